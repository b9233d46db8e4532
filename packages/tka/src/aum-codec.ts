// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, bytes and hashes of updates. Reading is as lenient as the official
 * decoder, writing is canonical, and a hash is always over the canonical form of what was read:
 * two spellings of one update have one name.
 *
 * @module
 */

import { CborReader, CborWriter, CodecError, type FieldReader } from '@signet/codec'
import { blake2s256 } from '@signet/crypto'
import {
  aumHashBytes,
  aumHashFromBytes,
  aumParent,
  EMPTY_AUM,
  type Aum,
  type AumHash,
  type AumLink,
  type AumSignature,
} from './aum.ts'
import { TkaError } from './errors.ts'
import type { Key } from './key.ts'
import { EMPTY_STATE, type State } from './state.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Fields = [number, FieldReader][]

/** What was computed from an update once. An update is never changed, so neither is this. */
interface Hashes {
  hash?: AumHash
  sigHash?: Uint8Array
}
const remembered = new WeakMap<Aum, Hashes>()

function hashesOf(aum: Aum): Hashes {
  let hashes = remembered.get(aum)
  if (!hashes) remembered.set(aum, (hashes = {}))
  return hashes
}

/**
 * Decodes an update. Nothing is checked but that the bytes decode. A caller that knows the hash,
 * because it has hashed the canonical form already, may say it.
 *
 * @throws TkaError `malformed`
 */
export function decodeAum(bytes: Uint8Array, knownHash?: AumHash): Aum {
  try {
    const aum = readAum(new CborReader(bytes))
    if (knownHash !== undefined) hashesOf(aum).hash = knownHash
    return aum
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause
    throw new TkaError('malformed', `Cannot decode update: ${cause.message}`, { cause })
  }
}

/** Reads an update out of a larger item. Throws CodecError. */
export function readAum(reader: CborReader): Aum {
  const aum: Mutable<Aum> = { ...EMPTY_AUM }
  const fields: Fields = [
    [1, (r) => (aum.kind = Number(r.readUint(8)))],
    [2, (r) => (aum.prev = r.readBytes())],
    [3, (r) => (aum.key = r.readOptional(readKey))],
    [4, (r) => (aum.keyId = r.readBytes())],
    [5, (r) => (aum.state = r.readOptional(readState))],
    [6, (r) => (aum.votes = r.readOptional(readUint64))],
    [7, (r) => (aum.meta = r.readTextMap())],
    [23, (r) => (aum.signatures = r.readArray(readSignature))],
  ]
  reader.readStruct(new Map(fields))
  return aum
}

function readUint64(reader: CborReader): bigint {
  return reader.readUint(64)
}

function readKey(reader: CborReader): Key {
  const key: Mutable<Key> = { kind: 0, votes: 0n, public: null, meta: null }
  const fields: Fields = [
    [1, (r) => (key.kind = Number(r.readUint(8)))],
    [2, (r) => (key.votes = r.readUint(64))],
    [3, (r) => (key.public = r.readBytes())],
    [12, (r) => (key.meta = r.readTextMap())],
  ]
  reader.readStruct(new Map(fields))
  return key
}

function readState(reader: CborReader): State {
  const state: Mutable<State> = { ...EMPTY_STATE }
  const fields: Fields = [
    [1, (r) => (state.lastAumHash = r.readOptional(readHash))],
    [2, (r) => (state.disablementValues = r.readArray((item) => item.readBytes()))],
    [3, (r) => (state.keys = r.readArray(readKey))],
    [4, (r) => (state.stateId1 = r.readUint(64))],
    [5, (r) => (state.stateId2 = r.readUint(64))],
  ]
  reader.readStruct(new Map(fields))
  return state
}

function readHash(reader: CborReader): AumHash {
  return aumHashFromBytes(reader.readFixedBytes(32))
}

function readSignature(reader: CborReader): AumSignature {
  const out: Mutable<AumSignature> = { keyId: null, signature: null }
  const fields: Fields = [
    [1, (r) => (out.keyId = r.readBytes())],
    [2, (r) => (out.signature = r.readBytes())],
  ]
  reader.readStruct(new Map(fields))
  return out
}

type Field = readonly [number, (writer: CborWriter) => void]

/** Encodes an update canonically. */
export function encodeAum(aum: Aum): Uint8Array {
  return encode((writer) => writeAum(writer, aum))
}

/** Encodes a state canonically. Its digest is a short name for comparing states. */
export function encodeState(state: State): Uint8Array {
  return encode((writer) => writeState(writer, state))
}

/** Returns the name of an update: the digest of its canonical form, signatures included. */
export function aumHash(aum: Aum): AumHash {
  const hashes = hashesOf(aum)
  return (hashes.hash ??= hashOfCanonicalAum(encodeAum(aum)))
}

/** Returns what the signatures of an update are over: the digest of all of it but them. */
export function aumSigHash(aum: Aum): Uint8Array {
  const hashes = hashesOf(aum)
  hashes.sigHash ??= blake2s256(encodeAum({ ...aum, signatures: null }))
  return new Uint8Array(hashes.sigHash)
}

/**
 * Reads from the canonical form of an update what places it in the tree, and decodes nothing else.
 *
 * @throws TkaError `malformed`
 */
export function peekAumLink(bytes: Uint8Array): AumLink {
  // map of 2 to 8 fields, 1: kind below 24, 2: null or 32 bytes
  const [, first, kind = 24, second, parent, length] = bytes
  if (first === 1 && kind < 24 && second === 2) {
    if (parent === 0xf6) return { kind, parent: null }
    const isHash = parent === 0x58 && length === 32 && bytes.length >= 38
    if (isHash) return { kind, parent: aumHashFromBytes(bytes.subarray(6, 38)) }
  }
  const aum = decodeAum(bytes)
  return { kind: aum.kind, parent: aumParent(aum) }
}

/** Returns the name of the update whose canonical form this is. */
export function hashOfCanonicalAum(bytes: Uint8Array): AumHash {
  return aumHashFromBytes(blake2s256(bytes))
}

/** Writes an update into a larger item. */
export function writeAum(writer: CborWriter, aum: Aum): void {
  const { key, keyId, state, votes, meta, signatures } = aum
  const fields: Field[] = [
    [1, (w) => w.uint(aum.kind)],
    [2, (w) => w.bytes(aum.prev)],
  ]
  if (key !== null) fields.push([3, (w) => writeKey(w, key)])
  if (keyId !== null && keyId.length > 0) fields.push([4, (w) => w.bytes(keyId)])
  if (state !== null) fields.push([5, (w) => writeState(w, state)])
  if (votes !== null) fields.push([6, (w) => w.uint(votes)])
  if (meta !== null && meta.size > 0) fields.push([7, (w) => w.textMap(meta)])
  if (signatures !== null && signatures.length > 0) {
    fields.push([23, (w) => writeList(w, signatures, writeSignature)])
  }
  writeStruct(writer, fields)
}

function writeSignature(writer: CborWriter, { keyId, signature }: AumSignature): void {
  writer.map(2).uint(1).bytes(keyId).uint(2).bytes(signature)
}

function writeKey(writer: CborWriter, key: Key): void {
  const { meta } = key
  const fields: Field[] = [
    [1, (w) => w.uint(key.kind)],
    [2, (w) => w.uint(key.votes)],
    [3, (w) => w.bytes(key.public)],
  ]
  if (meta !== null && meta.size > 0) fields.push([12, (w) => w.textMap(meta)])
  writeStruct(writer, fields)
}

function writeState(writer: CborWriter, state: State): void {
  const { lastAumHash, disablementValues, keys, stateId1, stateId2 } = state
  const fields: Field[] = [
    [1, (w) => w.bytes(lastAumHash === null ? null : aumHashBytes(lastAumHash))],
    [2, (w) => writeList(w, disablementValues, (writer, value) => writer.bytes(value))],
    [3, (w) => writeList(w, keys, writeKey)],
  ]
  if (stateId1 !== 0n) fields.push([4, (w) => w.uint(stateId1)])
  if (stateId2 !== 0n) fields.push([5, (w) => w.uint(stateId2)])
  writeStruct(writer, fields)
}

function writeStruct(writer: CborWriter, fields: readonly Field[]): void {
  writer.map(fields.length)
  for (const [number, write] of fields) {
    writer.uint(number)
    write(writer)
  }
}

function writeList<T>(
  writer: CborWriter,
  list: readonly T[] | null,
  write: (writer: CborWriter, item: T) => void,
): void {
  if (list === null) {
    writer.null()
    return
  }
  writer.array(list.length)
  for (const item of list) write(writer, item)
}

function encode(write: (writer: CborWriter) => void): Uint8Array {
  const writer = new CborWriter()
  try {
    write(writer)
    return writer.finish()
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause
    // Only metadata can do this: two names that differ in nothing but broken surrogates.
    throw new TkaError('malformed', `Cannot encode: ${cause.message}`, { cause })
  }
}
