// SPDX-License-Identifier: Apache-2.0

/**
 * The local API of a node: what the command line and official programs ask it over a unix socket.
 *
 * @module
 */

// Client
export { createLocalClient, type LocalClient, type LocalLockClient } from './local-api-client.ts'
export type { ApiReply, ApiRequest, ApiTransport } from './local-api-transport.ts'
export { ProtocolError, type ProtocolErrorCode } from './errors.ts'

// Status
export {
  BackendState,
  backendStates,
  encodeNodeStatus,
  isNever,
  nodeStatus,
  parseNodeStatus,
  peerStatus,
  type NodeStatus,
  type PeerStatus,
  type StatusUser,
  type TailnetStatus,
} from './local-api-status.ts'

// Preferences and starting
export {
  defaultPrefs,
  encodePrefs,
  encodePrefsChange,
  encodeStartOptions,
  parsePrefs,
  parsePrefsChange,
  parseStartOptions,
  prefNames,
  type PrefName,
  type Prefs,
  type StartOptions,
} from './local-api-prefs.ts'

// Notifications, ping, whois
export {
  encodeNotify,
  encodePingResult,
  encodeWhoIs,
  notifyInitialState,
  parseNotify,
  parsePingResult,
  parseWhoIs,
  PingKind,
  type Notify,
  type PingResult,
  type WhoIs,
  type WhoIsNode,
  type WhoIsUser,
} from './local-api-notify.ts'

// Lock
export {
  encodeLockLog,
  encodeLockSignature,
  encodeLockStatus,
  encodeLockUpdate,
  lockStatusOf,
  noLockSignature,
  parseLockLog,
  parseLockStatus,
  zeroLockKey,
  type LockDetails,
  type LockPeerStatus,
  type LockSignature,
  type LockStatus,
  type LockTrustedKey,
  type LockUpdate,
} from './local-api-lock.ts'
export {
  encodeDeeplinkRequest,
  encodeDeeplinkResult,
  encodeLockInitRequest,
  encodeLockKey,
  encodeLockModifyRequest,
  encodeLockRecoveryRequest,
  encodeLockSignRequest,
  encodeLockWrapRequest,
  encodeSignatureList,
  parseDeeplinkRequest,
  parseDeeplinkResult,
  parseLockInitRequest,
  parseLockModifyRequest,
  parseLockRecoveryRequest,
  parseLockSignRequest,
  parseLockWrapRequest,
  parseSignatureList,
  type DeeplinkRequest,
  type DeeplinkResult,
  type LockInitRequest,
  type LockKeyJson,
  type LockModifyRequest,
  type LockRecoveryRequest,
  type LockSignRequest,
  type LockWrapRequest,
} from './local-api-lock-requests.ts'
