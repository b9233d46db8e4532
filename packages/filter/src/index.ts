// SPDX-License-Identifier: Apache-2.0

/**
 * The packet filter: rules of the control plane, applied to IP packets. No I/O.
 *
 * @module
 */

export { Flows, MAX_FLOWS } from './flows.ts'
export { grantedCaps } from './granted-caps.ts'
export {
  type Destination,
  type GrantedCap,
  type Match,
  type Matches,
  MAX_GRANTED_CAPS,
  MAX_PROBLEMS,
  MAX_RANGE_PREFIXES,
  readRules,
} from './matches.ts'
export { IpProtocol, type PacketHead, readPacketHead } from './packet-head.ts'
export { createPacketFilter, type PacketFilter, type PacketFilterOptions } from './packet-filter.ts'
