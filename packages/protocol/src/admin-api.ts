// SPDX-License-Identifier: Apache-2.0

/**
 * The admin API of a server: users, nodes, pre-auth keys and the lock, for whoever owns the server.
 *
 * @module
 */

export { createAdminClient, type AdminClient } from './admin-api-client.ts'
export { readCertificate, type AdminCertificate } from './admin-api-certificate.ts'
export {
  adminPrefix,
  adminReaders,
  UserRole,
  type AdminCount,
  type AdminErrorBody,
  type AdminInfo,
  type AdminLock,
  type AdminLockAck,
  type AdminLockKey,
  type AdminMeshLink,
  type AdminLogin,
  type AdminNode,
  type AdminNodeLock,
  type AdminNodeReply,
  type AdminPing,
  type AdminPolicy,
  type AdminRelay,
  type AdminRelayMap,
  type AdminUser,
  type LoginApproval,
  type NewPreAuthKey,
  type PreAuthKey,
  type PreAuthKeyRequest,
} from './admin-api-types.ts'
export { ProtocolError, type ProtocolErrorCode } from './errors.ts'
export type { ApiReply, ApiRequest, ApiTransport } from './local-api-transport.ts'
