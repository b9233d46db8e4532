// SPDX-License-Identifier: Apache-2.0

/**
 * A typed client of a server's admin API.
 *
 * @module
 */

import { decodeUtf8 } from '@signet/codec'
import { readCertificate, type AdminCertificate } from './admin-api-certificate.ts'
import {
  adminPrefix,
  adminReaders,
  type AdminInfo,
  type AdminLock,
  type AdminLockAck,
  type AdminLogin,
  type AdminNode,
  type AdminNodeReply,
  type AdminPing,
  type AdminPolicy,
  type AdminRelay,
  type AdminUser,
  type LoginApproval,
  type NewPreAuthKey,
  type PreAuthKey,
  type PreAuthKeyRequest,
} from './admin-api-types.ts'
import { ProtocolError } from './errors.ts'
import type { ApiRequest, ApiTransport } from './local-api-transport.ts'

/** Every call rejects with ProtocolError `api-refused` when the server says no; the message is the server's. */
export interface AdminClient {
  info(): Promise<AdminInfo>
  users(): Promise<readonly AdminUser[]>
  createUser(user: { readonly name: string; readonly role?: string }): Promise<AdminUser>
  changeUser(
    name: string,
    change: { readonly name?: string; readonly role?: string },
  ): Promise<AdminUser>
  deleteUser(name: string): Promise<void>
  nodes(): Promise<readonly AdminNode[]>
  /** `ref` is a node's number, stable id or name. */
  node(ref: string): Promise<AdminNode>
  changeNode(
    ref: string,
    change: { readonly name?: string; readonly tags?: readonly string[] },
  ): Promise<AdminNode>
  expireNode(ref: string): Promise<void>
  deleteNode(ref: string): Promise<void>
  /** Approves exactly these routes. */
  approveRoutes(ref: string, approve: readonly string[]): Promise<AdminNode>
  /** Machines that ask to join without a pre-auth key, and what was decided lately. */
  logins(): Promise<readonly AdminLogin[]>
  approveLogin(id: string, approval: LoginApproval): Promise<AdminLogin>
  denyLogin(id: string): Promise<AdminLogin>
  keys(): Promise<readonly PreAuthKey[]>
  createKey(request: PreAuthKeyRequest): Promise<NewPreAuthKey>
  revokeKey(id: string): Promise<void>
  lock(): Promise<AdminLock>
  acks(): Promise<readonly AdminLockAck[]>
  /** Has one node ping another. */
  pingFrom(ref: string, to: string, type: string): Promise<AdminPing>
  /** Sends a request to a node's own handlers. */
  callNode(ref: string, method: string, path: string): Promise<AdminNodeReply>
  policy(): Promise<AdminPolicy>
  checkPolicy(text: string): Promise<AdminPolicy>
  setPolicy(text: string): Promise<AdminPolicy>
  /** Has the server read its settings again; says which policy is in force then. */
  reload(): Promise<string>
  /** Has the server copy its state to a new directory, an absolute path on its machine; returns what was copied. */
  backUp(directory: string): Promise<readonly string[]>
  relay(): Promise<AdminRelay>
  certificate(): Promise<AdminCertificate>
}

/** Returns a client of one tailnet over `transport`. */
export function createAdminClient(transport: ApiTransport, tailnet = 'default'): AdminClient {
  const call = async (
    method: ApiRequest['method'],
    path: string,
    body?: unknown,
  ): Promise<string> => {
    const reply = await transport.request({
      method,
      path: `${adminPrefix}${path}?tailnet=${encodeURIComponent(tailnet)}`,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const said = decodeUtf8(reply.body)
    if (reply.status >= 200 && reply.status < 300) return said
    throw new ProtocolError('api-refused', refusal(said) || `${reply.status} ${reply.statusText}`)
  }
  const done = async (
    method: ApiRequest['method'],
    path: string,
    body?: unknown,
  ): Promise<void> => {
    await call(method, path, body)
  }
  const at = encodeURIComponent
  return {
    info: async () => adminReaders.info(await call('GET', '/info')),
    users: async () => adminReaders.users(await call('GET', '/users')),
    createUser: async (user) => adminReaders.user(await call('POST', '/users', user)),
    changeUser: async (name, change) =>
      adminReaders.user(await call('PATCH', `/users/${at(name)}`, change)),
    deleteUser: (name) => done('DELETE', `/users/${at(name)}`),
    nodes: async () => adminReaders.nodes(await call('GET', '/nodes')),
    node: async (ref) => adminReaders.node(await call('GET', `/nodes/${at(ref)}`)),
    changeNode: async (ref, change) =>
      adminReaders.node(await call('PATCH', `/nodes/${at(ref)}`, change)),
    expireNode: (ref) => done('POST', `/nodes/${at(ref)}/expire`, {}),
    deleteNode: (ref) => done('DELETE', `/nodes/${at(ref)}`),
    approveRoutes: async (ref, approve) =>
      adminReaders.node(await call('POST', `/nodes/${at(ref)}/routes`, { approve })),
    logins: async () => adminReaders.logins(await call('GET', '/logins')),
    approveLogin: async (id, approval) =>
      adminReaders.login(await call('POST', `/logins/${at(id)}/approve`, approval)),
    denyLogin: async (id) => adminReaders.login(await call('POST', `/logins/${at(id)}/deny`, {})),
    keys: async () => adminReaders.keys(await call('GET', '/keys')),
    createKey: async (request) => adminReaders.newKey(await call('POST', '/keys', request)),
    revokeKey: (id) => done('DELETE', `/keys/${at(id)}`),
    lock: async () => adminReaders.lock(await call('GET', '/lock')),
    pingFrom: async (ref, to, type) =>
      adminReaders.ping(await call('POST', `/nodes/${at(ref)}/ping`, { to, type })),
    callNode: async (ref, method, path) =>
      adminReaders.nodeReply(await call('POST', `/nodes/${at(ref)}/c2n`, { method, path })),
    policy: async () => adminReaders.policy(await call('GET', '/policy')),
    checkPolicy: async (text) =>
      adminReaders.policy(await call('POST', '/policy/check', { policy: text })),
    setPolicy: async (text) => adminReaders.policy(await call('PUT', '/policy', { policy: text })),
    reload: async () => adminReaders.reloaded(await call('POST', '/reload', {})),
    backUp: async (directory) =>
      adminReaders.backedUp(await call('POST', '/backup', { directory })),
    relay: async () => adminReaders.relay(await call('GET', '/relay')),
    certificate: async () => readCertificate(await call('GET', '/certificate')),
    acks: async () => adminReaders.acks(await call('GET', '/lock/acks')),
  }
}

/** The message inside an error body, '' when the body is something else. */
function refusal(body: string): string {
  try {
    return adminReaders.error(body)?.message ?? ''
  } catch (error) {
    if (error instanceof ProtocolError) return body.trim()
    throw error
  }
}
