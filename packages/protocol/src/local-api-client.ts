// SPDX-License-Identifier: Apache-2.0

/**
 * A typed client of a node's local API. It speaks to Signet nodes and to official daemons alike.
 *
 * @module
 */

import { decodeUtf8 } from '@signet/codec'
import type { NodePublic } from '@signet/keys'
import { ProtocolError } from './errors.ts'
import {
  parseLockLog,
  parseLockStatus,
  type LockStatus,
  type LockUpdate,
} from './local-api-lock.ts'
import {
  encodeDeeplinkRequest,
  encodeLockInitRequest,
  encodeLockModifyRequest,
  encodeLockRecoveryRequest,
  encodeLockSignRequest,
  encodeLockWrapRequest,
  parseDeeplinkResult,
  parseSignatureList,
  type DeeplinkResult,
  type LockInitRequest,
  type LockModifyRequest,
  type LockRecoveryRequest,
  type LockSignRequest,
  type LockWrapRequest,
} from './local-api-lock-requests.ts'
import {
  notifyInitialState,
  parseNotify,
  parsePingResult,
  parseWhoIs,
  type Notify,
  type PingKind,
  type PingResult,
  type WhoIs,
} from './local-api-notify.ts'
import {
  encodePrefsChange,
  encodeStartOptions,
  parsePrefs,
  type Prefs,
  type StartOptions,
} from './local-api-prefs.ts'
import { parseNodeStatus, type NodeStatus } from './local-api-status.ts'
import type { ApiRequest, ApiTransport } from './local-api-transport.ts'

/** Every call rejects with ProtocolError `api-refused` or `api-denied` when the node says no. */
export interface LocalClient {
  /** Returns the node's status; without peers it is smaller. */
  status(options?: { readonly peers?: boolean }): Promise<NodeStatus>
  prefs(): Promise<Prefs>
  /** Changes the given preferences and returns all of them. */
  changePrefs(change: Partial<Prefs>): Promise<Prefs>
  start(options: StartOptions): Promise<void>
  /** Asks for a login in a browser; the address arrives on the bus. */
  loginInteractive(): Promise<void>
  logout(): Promise<void>
  /** Yields what the node announces, beginning with its present state. */
  watch(): AsyncIterable<Notify>
  ping(ip: string, kind: PingKind): Promise<PingResult>
  whois(address: string): Promise<WhoIs>
  readonly lock: LocalLockClient
}

/** The lock's part of the local API. */
export interface LocalLockClient {
  status(): Promise<LockStatus>
  init(request: LockInitRequest): Promise<LockStatus>
  sign(request: LockSignRequest): Promise<void>
  modify(request: LockModifyRequest): Promise<void>
  disable(secret: Uint8Array): Promise<void>
  localDisable(): Promise<void>
  /** Signet only: gets a damaged authority back from the server, checked against this node's own mark. */
  repair(): Promise<void>
  /** Signet only: lets a node key in again that this node remembers as replaced. */
  forgive(nodeKey: NodePublic): Promise<void>
  /** Returns at most `limit` updates, newest first. */
  log(limit: number): Promise<LockUpdate[]>
  /** Returns the valid signatures that a key has made (marshalled). */
  affectedSignatures(keyId: Uint8Array): Promise<Uint8Array[]>
  generateRecovery(request: LockRecoveryRequest): Promise<Uint8Array>
  cosignRecovery(update: Uint8Array): Promise<Uint8Array>
  submitRecovery(update: Uint8Array): Promise<void>
  verifyDeeplink(url: string): Promise<DeeplinkResult>
  /** Returns the wrapped key. */
  wrapAuthKey(request: LockWrapRequest): Promise<string>
}

/** Returns a client over `transport`. */
export function createLocalClient(transport: ApiTransport): LocalClient {
  const bytes = async (
    method: ApiRequest['method'],
    name: string,
    body?: string | Uint8Array,
  ): Promise<Uint8Array> => {
    const path = `/localapi/v0/${name}`
    const reply = await transport.request({ method, path, ...(body !== undefined && { body }) })
    if (reply.status >= 200 && reply.status < 300) return reply.body
    const said = decodeUtf8(reply.body).trim()
    if (reply.status === 403) throw new ProtocolError('api-denied', `Access denied: ${said}`)
    const line = `${reply.status} ${reply.statusText}`.trim()
    throw new ProtocolError('api-refused', `${line}: ${said}`)
  }
  const get = async (name: string): Promise<string> => decodeUtf8(await bytes('GET', name))
  const post = async (name: string, body?: string | Uint8Array): Promise<string> =>
    decodeUtf8(await bytes('POST', name, body))
  return {
    status: async (options = {}) =>
      parseNodeStatus(await get(options.peers === false ? 'status?peers=false' : 'status')),
    prefs: async () => parsePrefs(await get('prefs')),
    changePrefs: async (change) =>
      parsePrefs(decodeUtf8(await bytes('PATCH', 'prefs', encodePrefsChange(change)))),
    start: async (options) => {
      await post('start', encodeStartOptions(options))
    },
    loginInteractive: async () => {
      await post('login-interactive')
    },
    logout: async () => {
      await post('logout')
    },
    watch: () => watch(transport),
    ping: async (ip, kind) =>
      parsePingResult(await post(`ping?ip=${encodeURIComponent(ip)}&type=${kind}&size=0`)),
    whois: async (address) => parseWhoIs(await get(`whois?addr=${encodeURIComponent(address)}`)),
    lock: {
      status: async () => parseLockStatus(await get('tka/status')),
      init: async (request) =>
        parseLockStatus(await post('tka/init', encodeLockInitRequest(request))),
      sign: async (request) => {
        await post('tka/sign', encodeLockSignRequest(request))
      },
      modify: async (request) => {
        await post('tka/modify', encodeLockModifyRequest(request))
      },
      disable: async (secret) => {
        await post('tka/disable', secret)
      },
      localDisable: async () => {
        await post('tka/force-local-disable', '{}')
      },
      repair: async () => {
        await post('signet/lock/heal')
      },
      forgive: async (nodeKey) => {
        await post(`signet/lock/forgive?node-key=${encodeURIComponent(nodeKey)}`)
      },
      log: async (limit) => parseLockLog(await get(`tka/log?limit=${limit}`)),
      affectedSignatures: async (keyId) =>
        parseSignatureList(await post('tka/affected-sigs', keyId)),
      generateRecovery: (request) =>
        bytes('POST', 'tka/generate-recovery-aum', encodeLockRecoveryRequest(request)),
      cosignRecovery: (update) => bytes('POST', 'tka/cosign-recovery-aum', update),
      submitRecovery: async (update) => {
        await post('tka/submit-recovery-aum', update)
      },
      verifyDeeplink: async (url) =>
        parseDeeplinkResult(await post('tka/verify-deeplink', encodeDeeplinkRequest({ URL: url }))),
      wrapAuthKey: (request) => post('tka/wrap-preauth-key', encodeLockWrapRequest(request)),
    },
  }
}

/** Not a generator: stopping one would wait for the next message. */
function watch(transport: ApiTransport): AsyncIterable<Notify> {
  return {
    [Symbol.asyncIterator]: () => {
      const path = `/localapi/v0/watch-ipn-bus?mask=${notifyInitialState}`
      const lines = transport.lines({ method: 'GET', path })[Symbol.asyncIterator]()
      return {
        next: async () => {
          for (;;) {
            const line = await lines.next()
            if (line.done === true) return { done: true, value: undefined }
            if (line.value.trim() !== '') return { done: false, value: parseNotify(line.value) }
          }
        },
        return: async () => {
          await lines.return?.()
          return { done: true, value: undefined }
        },
      }
    },
  }
}
