// SPDX-License-Identifier: Apache-2.0

/**
 * Path discovery between nodes: messages, and the boxes that they travel in. No I/O.
 *
 * @module
 */

export { type Endpoint } from './endpoint.ts'
export { DiscoError, type DiscoErrorCode } from './errors.ts'
export {
  type AllocateRelay,
  type BindRelay,
  type CallMeMaybe,
  type CallMeMaybeVia,
  decodeDiscoMessage,
  type DiscoMessage,
  encodeDiscoMessage,
  type Ping,
  type Pong,
  type RelayAllocated,
  type RelayPlace,
  TRANSACTION_LENGTH,
} from './message.ts'
export {
  type DiscoShared,
  discoSender,
  discoShared,
  looksLikeDisco,
  openDisco,
  sealDisco,
} from './packet.ts'
