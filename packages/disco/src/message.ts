// SPDX-License-Identifier: Apache-2.0

/**
 * Discovery messages: type, version, and a body; numbers big-endian, addresses as IPv6 with IPv4 mapped into it.
 *
 * Readers are as lenient as official ones, so that a later version can say more: what follows a known body is
 * passed over, and of a version that is not 0 the messages that have changed before are taken as empty.
 *
 * @module
 */

import { concatBytes } from '@signet/codec'
import {
  discoPublicBytes,
  discoPublicFromBytes,
  nodePublicBytes,
  nodePublicFromBytes,
  zeroDiscoPublic,
  type DiscoPublic,
  type NodePublic,
} from '@signet/keys'
import { encodeEndpoint, ENDPOINT_LENGTH, readEndpoints, type Endpoint } from './endpoint.ts'
import { DiscoError } from './errors.ts'

/** Bytes of the number that ties a pong to its ping. */
export const TRANSACTION_LENGTH = 12
const KEY_LENGTH = 32
const CHALLENGE_LENGTH = 32

/** "Are you there?" */
export interface Ping {
  readonly type: 'ping'
  /** 12 bytes. */
  readonly transaction: Uint8Array
  /** The node that asks; old ones leave it out. */
  readonly nodeKey: NodePublic | null
  /** Bytes behind it, which make the packet as large as a path may carry. */
  readonly padding: number
}

/** "Yes, and I see you there." */
export interface Pong {
  readonly type: 'pong'
  readonly transaction: Uint8Array
  /** Where the ping came from. */
  readonly source: Endpoint
}

/** "Ping me at these": comes by a relay. */
export interface CallMeMaybe {
  readonly type: 'call-me-maybe'
  readonly endpoints: readonly Endpoint[]
}

/** The handshake with a peer that relays. */
export interface BindRelay {
  readonly type: 'bind-relay' | 'bind-relay-challenge' | 'bind-relay-answer'
  readonly vni: number
  readonly generation: number
  readonly remoteKey: DiscoPublic
  /** 32 bytes. */
  readonly challenge: Uint8Array
}

/** A place at a peer that relays. */
export interface RelayPlace {
  readonly serverKey: DiscoPublic
  readonly clientKeys: readonly [DiscoPublic, DiscoPublic]
  readonly lamportId: bigint
  readonly vni: number
  /** Nanoseconds, signed. */
  readonly bindLifetime: bigint
  readonly steadyLifetime: bigint
  readonly endpoints: readonly Endpoint[]
}

/** "Meet me at this place." */
export interface CallMeMaybeVia extends RelayPlace {
  readonly type: 'call-me-maybe-via'
}

/** "Keep a place for these two." */
export interface AllocateRelay {
  readonly type: 'allocate-relay'
  readonly clientKeys: readonly [DiscoPublic, DiscoPublic]
  readonly generation: number
}

/** "This one." */
export interface RelayAllocated extends RelayPlace {
  readonly type: 'relay-allocated'
  readonly generation: number
}

/** Any of them. */
export type DiscoMessage =
  | Ping
  | Pong
  | CallMeMaybe
  | BindRelay
  | CallMeMaybeVia
  | AllocateRelay
  | RelayAllocated

const TYPES: Readonly<Record<DiscoMessage['type'], number>> = {
  ping: 1,
  pong: 2,
  'call-me-maybe': 3,
  'bind-relay': 4,
  'bind-relay-challenge': 5,
  'bind-relay-answer': 6,
  'call-me-maybe-via': 7,
  'allocate-relay': 8,
  'relay-allocated': 9,
}

const NO_KEYS = [zeroDiscoPublic, zeroDiscoPublic] as const
const NO_PLACE: RelayPlace = {
  serverKey: zeroDiscoPublic,
  clientKeys: NO_KEYS,
  lamportId: 0n,
  vni: 0,
  bindLifetime: 0n,
  steadyLifetime: 0n,
  endpoints: [],
}

/** Returns the bytes of a message, version 0. */
export function encodeDiscoMessage(message: DiscoMessage): Uint8Array {
  return concatBytes(Uint8Array.of(TYPES[message.type], 0), encodeBody(message))
}

function encodeBody(message: DiscoMessage): Uint8Array {
  switch (message.type) {
    case 'ping': {
      const key = message.nodeKey === null ? new Uint8Array() : nodePublicBytes(message.nodeKey)
      return concatBytes(message.transaction, key, new Uint8Array(message.padding))
    }
    case 'pong':
      return concatBytes(message.transaction, encodeEndpoint(message.source))
    case 'call-me-maybe':
      return concatBytes(...message.endpoints.map(encodeEndpoint))
    case 'bind-relay':
    case 'bind-relay-challenge':
    case 'bind-relay-answer':
      return concatBytes(
        uint32(message.vni),
        uint32(message.generation),
        discoPublicBytes(message.remoteKey),
        message.challenge,
      )
    case 'call-me-maybe-via':
      return encodePlace(message)
    case 'allocate-relay':
      return concatBytes(...message.clientKeys.map(discoPublicBytes), uint32(message.generation))
    default:
      return concatBytes(uint32(message.generation), encodePlace(message))
  }
}

function encodePlace(place: RelayPlace): Uint8Array {
  return concatBytes(
    discoPublicBytes(place.serverKey),
    ...place.clientKeys.map(discoPublicBytes),
    uint64(place.lamportId),
    uint32(place.vni),
    uint64(place.bindLifetime),
    uint64(place.steadyLifetime),
    ...place.endpoints.map(encodeEndpoint),
  )
}

/**
 * Reads a message.
 *
 * @throws DiscoError `truncated`, `unknown-type`, `bad-length`
 */
export function decodeDiscoMessage(bytes: Uint8Array): DiscoMessage {
  const [type, version] = bytes
  if (type === undefined || version === undefined) {
    throw new DiscoError('truncated', 'A discovery message has at least two bytes')
  }
  const reader = new Reader(bytes.subarray(2))
  const isLater = version !== 0
  switch (type) {
    case TYPES.ping:
      return readPing(reader)
    case TYPES.pong:
      return {
        type: 'pong',
        transaction: reader.bytes(TRANSACTION_LENGTH),
        source: reader.endpoint(),
      }
    case TYPES['call-me-maybe']:
      return { type: 'call-me-maybe', endpoints: isLater ? [] : reader.wholeEndpoints() }
    case TYPES['bind-relay']:
      return { type: 'bind-relay', ...readBind(reader) }
    case TYPES['bind-relay-challenge']:
      return { type: 'bind-relay-challenge', ...readBind(reader) }
    case TYPES['bind-relay-answer']:
      return { type: 'bind-relay-answer', ...readBind(reader) }
    case TYPES['call-me-maybe-via']:
      return { type: 'call-me-maybe-via', ...(isLater ? NO_PLACE : readPlace(reader)) }
    case TYPES['allocate-relay']:
      if (isLater) return { type: 'allocate-relay', clientKeys: NO_KEYS, generation: 0 }
      return {
        type: 'allocate-relay',
        clientKeys: [reader.discoKey(), reader.discoKey()],
        generation: reader.uint32(),
      }
    case TYPES['relay-allocated']:
      if (isLater) return { type: 'relay-allocated', generation: 0, ...NO_PLACE }
      return { type: 'relay-allocated', generation: reader.uint32(), ...readPlace(reader) }
    default:
      throw new DiscoError('unknown-type', `No discovery message has type ${type}`)
  }
}

function readPing(reader: Reader): Ping {
  const transaction = reader.bytes(TRANSACTION_LENGTH)
  const nodeKey = reader.left < KEY_LENGTH ? null : nodePublicFromBytes(reader.bytes(KEY_LENGTH))
  return { type: 'ping', transaction, nodeKey, padding: reader.left }
}

function readBind(reader: Reader): Omit<BindRelay, 'type'> {
  return {
    vni: reader.uint32(),
    generation: reader.uint32(),
    remoteKey: reader.discoKey(),
    challenge: reader.bytes(CHALLENGE_LENGTH),
  }
}

function readPlace(reader: Reader): RelayPlace {
  return {
    serverKey: reader.discoKey(),
    clientKeys: [reader.discoKey(), reader.discoKey()],
    lamportId: reader.uint64(),
    vni: reader.uint32(),
    bindLifetime: BigInt.asIntN(64, reader.uint64()),
    steadyLifetime: BigInt.asIntN(64, reader.uint64()),
    endpoints: reader.someEndpoints(),
  }
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }
  get left(): number {
    return this.#bytes.length - this.#at
  }
  bytes(length: number): Uint8Array {
    if (this.left < length) throw new DiscoError('truncated', 'A discovery message is cut off')
    this.#at += length
    return Uint8Array.from(this.#bytes.subarray(this.#at - length, this.#at))
  }
  uint32(): number {
    return new DataView(this.bytes(4).buffer).getUint32(0)
  }
  uint64(): bigint {
    return new DataView(this.bytes(8).buffer).getBigUint64(0)
  }
  discoKey(): DiscoPublic {
    return discoPublicFromBytes(this.bytes(KEY_LENGTH))
  }
  endpoint(): Endpoint {
    const [endpoint] = readEndpoints(this.bytes(ENDPOINT_LENGTH))
    if (endpoint === undefined) throw new DiscoError('truncated', 'An endpoint is missing')
    return endpoint
  }
  /** All that is left, or none if that is not a number of whole endpoints. */
  wholeEndpoints(): readonly Endpoint[] {
    return this.left % ENDPOINT_LENGTH === 0 ? readEndpoints(this.bytes(this.left)) : []
  }
  /** All that is left: whole endpoints, and at least one. */
  someEndpoints(): readonly Endpoint[] {
    if (this.left === 0) throw new DiscoError('truncated', 'A place of a relay has no endpoint')
    if (this.left % ENDPOINT_LENGTH !== 0) {
      throw new DiscoError('bad-length', 'A list of endpoints does not end where one ends')
    }
    return readEndpoints(this.bytes(this.left))
  }
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

function uint64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value))
  return bytes
}
