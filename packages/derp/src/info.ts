// SPDX-License-Identifier: Apache-2.0

/**
 * How a relay and a client introduce themselves: the relay's key in the clear, then one box each
 * way. That a box opens proves who made it.
 *
 * @module
 */

import { decodeUtf8, encodeUtf8 } from '@signet/codec'
import { boxOpen, boxSeal, boxSharedKey } from '@signet/crypto'
import {
  type DerpMeshKey,
  derpMeshKeyText,
  isZeroNodePublic,
  type NodePrivate,
  type NodePublic,
  nodePublicBytes,
  nodePublicFromBytes,
  nodePublicOf,
  parseDerpMeshKey,
  privateKeyBytes,
} from '@signet/keys'
import { DerpError } from './errors.ts'
import { encodeFrame, FrameType } from './frames.ts'
import { KEY_LENGTH, MAX_CLIENT_INFO, MAX_SERVER_INFO, NONCE_LENGTH } from './limits.ts'

/** "DERP" and a key: what every greeting begins with. */
const MAGIC = Uint8Array.of(0x44, 0x45, 0x52, 0x50, 0xf0, 0x9f, 0x94, 0x91)
const GREETING = MAGIC.length + KEY_LENGTH

/** The version of the protocol in which packets carry their sender. */
export const DERP_VERSION = 2

/** What a client says about itself. */
export interface ClientInfo {
  readonly version: number
  readonly canAckPings: boolean
  readonly isProber: boolean
  /** Opaque, for statistics. */
  readonly appName: string
  /** Proves that the client is a relay of the same region. */
  readonly meshKey: DerpMeshKey | null
}

/** What a relay asks of a client; 0 for no wish. */
export interface ServerInfo {
  readonly version: number
  readonly bytesPerSecond: number
  readonly burst: number
}

/** A client that proved its key. */
export interface ClientIntroduction {
  readonly clientKey: NodePublic
  readonly info: ClientInfo
  /** The key of all boxes between the two. */
  readonly sharedKey: Uint8Array
}

/** Returns the first frame of a relay. */
export function encodeGreeting(serverKey: NodePublic): Uint8Array {
  return encodeFrame(FrameType.ServerKey, MAGIC, nodePublicBytes(serverKey))
}

/**
 * Returns the relay's key from the payload of its first frame.
 *
 * @throws DerpError `bad-greeting`, `zero-key`
 */
export function parseGreeting(payload: Uint8Array): NodePublic {
  if (payload.length < GREETING || !MAGIC.every((byte, i) => payload[i] === byte)) {
    throw new DerpError('bad-greeting', 'Cannot read greeting: expected magic and key of a relay')
  }
  return requireKey(payload.subarray(MAGIC.length, GREETING))
}

/** Returns the key of the boxes between a private key and a public one. Costs one curve operation. */
export function sharedKeyOf(privateKey: NodePrivate, publicKey: NodePublic): Uint8Array {
  return boxSharedKey(privateKeyBytes(privateKey), nodePublicBytes(publicKey))
}

/** Returns the frame in which a client introduces itself. The nonce must be random. */
export function encodeClientInfo(options: {
  readonly clientKey: NodePrivate
  readonly serverKey: NodePublic
  readonly nonce: Uint8Array
  readonly info: ClientInfo
}): Uint8Array {
  const { clientKey, serverKey, nonce, info } = options
  const json = JSON.stringify({
    ...(info.meshKey && { meshKey: derpMeshKeyText(info.meshKey) }),
    version: info.version,
    CanAckPings: info.canAckPings,
    ...(info.isProber && { IsProber: true }),
    ...(info.appName !== '' && { AppName: info.appName }),
  })
  const box = boxSeal(sharedKeyOf(clientKey, serverKey), nonce, encodeUtf8(json))
  return encodeFrame(FrameType.ClientInfo, nodePublicBytes(nodePublicOf(clientKey)), nonce, box)
}

/**
 * Opens the payload of a client's introduction.
 *
 * @throws DerpError `bad-frame`, `too-large`, `zero-key`, `bad-box`, `bad-info`
 */
export function openClientInfo(serverKey: NodePrivate, payload: Uint8Array): ClientIntroduction {
  checkClientInfoLength(payload.length)
  const clientKey = requireKey(payload.subarray(0, KEY_LENGTH))
  const sharedKey = sharedKeyOf(serverKey, clientKey)
  const json = open(sharedKey, payload.subarray(KEY_LENGTH), 'client info')
  let info: ClientInfo = {
    version: 0,
    canAckPings: false,
    isProber: false,
    appName: '',
    meshKey: null,
  }
  readMembers(json, 'client info', {
    version: (value) => (info = { ...info, version: integer(value) }),
    canackpings: (value) => (info = { ...info, canAckPings: flag(value) }),
    isprober: (value) => (info = { ...info, isProber: flag(value) }),
    appname: (value) => (info = { ...info, appName: text(value) }),
    meshkey: (value) => (info = { ...info, meshKey: parseDerpMeshKey(text(value)) }),
  })
  return { clientKey, info, sharedKey }
}

/**
 * Judges the length of an introduction, before it is kept.
 *
 * @throws DerpError `bad-frame`, `too-large`
 */
export function checkClientInfoLength(length: number): void {
  if (length < KEY_LENGTH + NONCE_LENGTH) {
    throw new DerpError('bad-frame', `Cannot read client info: ${length} bytes are too few`)
  }
  if (length > MAX_CLIENT_INFO) {
    const what = `${length} bytes, limit ${MAX_CLIENT_INFO}`
    throw new DerpError('too-large', `Cannot read client info: ${what}`)
  }
}

/** Returns the frame in which a relay introduces itself. The nonce must be random. */
export function encodeServerInfo(
  sharedKey: Uint8Array,
  nonce: Uint8Array,
  info: ServerInfo,
): Uint8Array {
  const json = JSON.stringify({
    ...(info.version !== 0 && { version: info.version }),
    ...(info.bytesPerSecond !== 0 && { TokenBucketBytesPerSecond: info.bytesPerSecond }),
    ...(info.burst !== 0 && { TokenBucketBytesBurst: info.burst }),
  })
  return encodeFrame(FrameType.ServerInfo, nonce, boxSeal(sharedKey, nonce, encodeUtf8(json)))
}

/**
 * Opens the payload of a relay's introduction.
 *
 * @throws DerpError `bad-frame`, `too-large`, `bad-box`, `bad-info`
 */
export function openServerInfo(sharedKey: Uint8Array, payload: Uint8Array): ServerInfo {
  if (payload.length < NONCE_LENGTH) {
    throw new DerpError('bad-frame', `Cannot read server info: ${payload.length} bytes are too few`)
  }
  if (payload.length > MAX_SERVER_INFO) {
    const what = `${payload.length} bytes, limit ${MAX_SERVER_INFO}`
    throw new DerpError('too-large', `Cannot read server info: ${what}`)
  }
  let info: ServerInfo = { version: 0, bytesPerSecond: 0, burst: 0 }
  readMembers(open(sharedKey, payload, 'server info'), 'server info', {
    version: (value) => (info = { ...info, version: integer(value) }),
    tokenbucketbytespersecond: (value) => (info = { ...info, bytesPerSecond: integer(value) }),
    tokenbucketbytesburst: (value) => (info = { ...info, burst: integer(value) }),
  })
  return info
}

/** Returns the key of raw bytes. @throws DerpError `zero-key` */
function requireKey(raw: Uint8Array): NodePublic {
  const key = nodePublicFromBytes(raw)
  if (isZeroNodePublic(key)) {
    throw new DerpError('zero-key', 'Cannot use relay key: it is all zeros')
  }
  return key
}

/** Opens a nonce and the box behind it. */
function open(sharedKey: Uint8Array, sealed: Uint8Array, what: string): Uint8Array {
  const nonce = sealed.subarray(0, NONCE_LENGTH)
  const message = boxOpen(sharedKey, nonce, sealed.subarray(NONCE_LENGTH))
  if (message === null) throw new DerpError('bad-box', `Cannot open the box of ${what}`)
  return message
}

/** Reads a JSON object the way Go does: names in any case, null for "leave it", others ignored. */
function readMembers(
  json: Uint8Array,
  what: string,
  members: Readonly<Record<string, (value: unknown) => void>>,
): void {
  try {
    const value: unknown = JSON.parse(decodeUtf8(json))
    if (value === null) return
    if (typeof value !== 'object' || Array.isArray(value)) throw new TypeError('not an object')
    for (const [name, member] of Object.entries(value)) {
      const lower = name.toLowerCase()
      if (member !== null && Object.hasOwn(members, lower)) members[lower]?.(member)
    }
  } catch (cause) {
    throw new DerpError('bad-info', `Cannot read ${what}: malformed JSON`, { cause })
  }
}

function integer(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new TypeError('expected an integer')
}

function flag(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new TypeError('expected true or false')
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw new TypeError('expected a text')
}
