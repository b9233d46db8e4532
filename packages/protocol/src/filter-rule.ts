// SPDX-License-Identifier: Apache-2.0

/**
 * Packet filter rules and the capabilities that peers grant each other.
 *
 * @module
 */

import { int, prefix, rawJson, type RawJson, text, uint16 } from './codecs.ts'
import {
  always,
  type Codec,
  list,
  omitEmpty,
  pointer,
  struct,
  textMap,
  type TextMap,
} from './schema.ts'

/** Capability names with their arguments, each any JSON value. `null` and [] both mean "has it". */
export type CapMap = TextMap<readonly RawJson[] | null>

/** Codec of {@link CapMap}. */
export const capMap: Codec<CapMap | null> = textMap(list(rawJson))

/** A range of ports, both ends included. */
export interface PortRange {
  readonly First: number
  readonly Last: number
}

/** Codec of {@link PortRange}. */
export const portRange: Codec<PortRange> = struct<PortRange>({
  First: always(uint16),
  Last: always(uint16),
})

/** Destination addresses with ports. */
export interface NetPortRange {
  /** An address, prefix, range `a-b` or `*`. */
  readonly IP: string
  readonly Bits?: number | undefined
  readonly Ports: PortRange
}

/** Codec of {@link NetPortRange}. */
export const netPortRange: Codec<NetPortRange> = struct<NetPortRange>({
  IP: always(text),
  Bits: omitEmpty(pointer(int)),
  Ports: always(portRange),
})

/** Capabilities that the rule's sources have towards the destinations. */
export interface CapGrant {
  readonly Dsts: readonly string[] | null
  readonly Caps?: readonly string[] | undefined
  readonly CapMap?: CapMap | undefined
}

/** Codec of {@link CapGrant}. */
export const capGrant: Codec<CapGrant> = struct<CapGrant>({
  Dsts: always(list(prefix)),
  Caps: omitEmpty(list(text)),
  CapMap: omitEmpty(capMap),
})

/** Lets packets from sources reach destinations, or grants capabilities. */
export interface FilterRule {
  /** Addresses, prefixes, ranges `a-b`, `*` or `cap:` and a capability. */
  readonly SrcIPs: readonly string[] | null
  readonly SrcBits?: readonly number[] | undefined
  readonly DstPorts?: readonly NetPortRange[] | undefined
  /** Protocol numbers; none means TCP, UDP and ICMP. */
  readonly IPProto?: readonly number[] | undefined
  readonly CapGrant?: readonly CapGrant[] | undefined
}

/** Codec of {@link FilterRule}. */
export const filterRule: Codec<FilterRule> = struct<FilterRule>({
  SrcIPs: always(list(text)),
  SrcBits: omitEmpty(list(int)),
  DstPorts: omitEmpty(list(netPortRange)),
  IPProto: omitEmpty(list(int)),
  CapGrant: omitEmpty(list(capGrant)),
})
