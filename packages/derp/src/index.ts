// SPDX-License-Identifier: Apache-2.0

/**
 * The relay protocol and STUN, sans-I/O: frames, boxes, the client's side, and the relay itself.
 *
 * @module
 */

// Frames
export { encodeFrame, FrameReader, type FrameRule, type FrameSink, FrameType } from './frames.ts'
export {
  MAX_BACKLOG,
  MAX_CLIENT_FRAME,
  MAX_CLIENT_INFO,
  MAX_GREETING,
  MAX_PACKET,
  MAX_PING,
  MIN_RATE_BURST,
  QUEUE_LENGTH,
} from './limits.ts'

// Introductions
export {
  type ClientInfo,
  type ClientIntroduction,
  DERP_VERSION,
  encodeClientInfo,
  encodeGreeting,
  encodeServerInfo,
  openClientInfo,
  openServerInfo,
  parseGreeting,
  type ServerInfo,
  sharedKeyOf,
} from './info.ts'

// The client's side
export {
  encodeClosePeer,
  encodeForwardPacket,
  encodeNotePreferred,
  encodePing,
  encodePong,
  encodeSendPacket,
  encodeWatchConns,
  GreetingReader,
  PeerGoneReason,
  PeerPresentFlag,
  type ServerMessage,
  ServerMessageReader,
} from './client.ts'

// The relay
export {
  createRelay,
  type MeshLink,
  type Relay,
  type RelayConnection,
  type RelayCounters,
  type RelayOptions,
  type RelayOrigin,
  type RelayRate,
} from './relay.ts'
export { type LossCounters, Outbox, type RelayTransport } from './outbox.ts'

// STUN
export {
  encodeStunRequest,
  encodeStunResponse,
  isStun,
  parseStunRequest,
  parseStunResponse,
  STUN_TRANSACTION_LENGTH,
  type StunAddress,
  type StunResponse,
  unmapAddress,
} from './stun.ts'

// Errors
export { DerpError, type DerpErrorCode } from './errors.ts'
