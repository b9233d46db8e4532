// SPDX-License-Identifier: Apache-2.0

/**
 * The structures of the Tailnet Key Authority, read and written with nothing but this package, so
 * that the recorded verdicts of the official decoder can be checked where the decoder lives.
 *
 * @module
 */

import { CborReader, CborWriter, type FieldReader } from '../src/index.ts'

type Fields = ReadonlyMap<number, FieldReader>

interface Key {
  kind: bigint
  votes: bigint
  public: Uint8Array | null
  meta: Map<string, string> | null
}

interface State {
  lastAumHash: Uint8Array | null
  disablementValues: (Uint8Array | null)[] | null
  keys: Key[] | null
  stateId1: bigint
  stateId2: bigint
}

interface Signature {
  keyId: Uint8Array | null
  signature: Uint8Array | null
}

interface Aum {
  kind: bigint
  prev: Uint8Array | null
  key: Key | null
  keyId: Uint8Array | null
  state: State | null
  votes: bigint | null
  meta: Map<string, string> | null
  signatures: Signature[] | null
}

interface NodeKeySignature {
  sigKind: bigint
  pubkey: Uint8Array | null
  keyId: Uint8Array | null
  signature: Uint8Array | null
  nested: NodeKeySignature | null
  wrappingPubkey: Uint8Array | null
}

function readKey(reader: CborReader): Key {
  const key: Key = { kind: 0n, votes: 0n, public: null, meta: null }
  reader.readStruct(
    new Map([
      [1, (r) => void (key.kind = r.readUint(8))],
      [2, (r) => void (key.votes = r.readUint(64))],
      [3, (r) => void (key.public = r.readBytes())],
      [12, (r) => void (key.meta = r.readTextMap())],
    ] satisfies [number, FieldReader][]),
  )
  return key
}

function readState(reader: CborReader): State {
  const state: State = {
    lastAumHash: null,
    disablementValues: null,
    keys: null,
    stateId1: 0n,
    stateId2: 0n,
  }
  const fields: Fields = new Map([
    [1, (r) => void (state.lastAumHash = r.readOptional(() => r.readFixedBytes(32)))],
    [2, (r) => void (state.disablementValues = r.readArray(() => r.readBytes()))],
    [3, (r) => void (state.keys = r.readArray(readKey))],
    [4, (r) => void (state.stateId1 = r.readUint(64))],
    [5, (r) => void (state.stateId2 = r.readUint(64))],
  ] satisfies [number, FieldReader][])
  reader.readStruct(fields)
  return state
}

function readSignature(reader: CborReader): Signature {
  const signature: Signature = { keyId: null, signature: null }
  const fields: Fields = new Map([
    [1, (r) => void (signature.keyId = r.readBytes())],
    [2, (r) => void (signature.signature = r.readBytes())],
  ] satisfies [number, FieldReader][])
  reader.readStruct(fields)
  return signature
}

/** Decodes an update. */
export function decodeAum(bytes: Uint8Array): Aum {
  const aum: Aum = {
    kind: 0n,
    prev: null,
    key: null,
    keyId: null,
    state: null,
    votes: null,
    meta: null,
    signatures: null,
  }
  const fields: Fields = new Map([
    [1, (r) => void (aum.kind = r.readUint(8))],
    [2, (r) => void (aum.prev = r.readBytes())],
    [3, (r) => void (aum.key = r.readOptional(readKey))],
    [4, (r) => void (aum.keyId = r.readBytes())],
    [5, (r) => void (aum.state = r.readOptional(readState))],
    [6, (r) => void (aum.votes = r.readOptional(() => r.readUint(64)))],
    [7, (r) => void (aum.meta = r.readTextMap())],
    [23, (r) => void (aum.signatures = r.readArray(readSignature))],
  ] satisfies [number, FieldReader][])
  new CborReader(bytes).readStruct(fields)
  return aum
}

function readNodeKeySignature(reader: CborReader): NodeKeySignature {
  const out: NodeKeySignature = {
    sigKind: 0n,
    pubkey: null,
    keyId: null,
    signature: null,
    nested: null,
    wrappingPubkey: null,
  }
  const fields: Fields = new Map([
    [1, (r) => void (out.sigKind = r.readUint(8))],
    [2, (r) => void (out.pubkey = r.readBytes())],
    [3, (r) => void (out.keyId = r.readBytes())],
    [4, (r) => void (out.signature = r.readBytes())],
    [5, (r) => void (out.nested = r.readOptional(readNodeKeySignature))],
    [6, (r) => void (out.wrappingPubkey = r.readBytes())],
  ] satisfies [number, FieldReader][])
  reader.readStruct(fields)
  return out
}

/** Decodes a node-key signature. */
export function decodeNodeKeySignature(bytes: Uint8Array): NodeKeySignature {
  return readNodeKeySignature(new CborReader(bytes))
}

type Field = readonly [number, (writer: CborWriter) => void]

function writeStruct(writer: CborWriter, fields: readonly (Field | null)[]): void {
  const present = fields.filter((field) => field !== null)
  writer.map(present.length)
  for (const [number, write] of present) {
    writer.uint(number)
    write(writer)
  }
}

function unlessEmpty(number: number, bytes: Uint8Array | null): Field | null {
  return bytes === null || bytes.length === 0 ? null : [number, (w) => w.bytes(bytes)]
}

function metaField(number: number, meta: Map<string, string> | null): Field | null {
  return meta === null || meta.size === 0 ? null : [number, (w) => w.textMap(meta)]
}

function writeKey(writer: CborWriter, key: Key): void {
  writeStruct(writer, [
    [1, (w) => w.uint(key.kind)],
    [2, (w) => w.uint(key.votes)],
    [3, (w) => w.bytes(key.public)],
    metaField(12, key.meta),
  ])
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

function writeState(writer: CborWriter, state: State): void {
  writeStruct(writer, [
    [1, (w) => w.bytes(state.lastAumHash)],
    [2, (w) => writeList(w, state.disablementValues, (w, value) => w.bytes(value))],
    [3, (w) => writeList(w, state.keys, writeKey)],
    state.stateId1 === 0n ? null : [4, (w) => w.uint(state.stateId1)],
    state.stateId2 === 0n ? null : [5, (w) => w.uint(state.stateId2)],
  ])
}

/** Encodes an update. */
export function encodeAum(aum: Aum): Uint8Array {
  const { key, state, votes, signatures } = aum
  const writer = new CborWriter()
  writeStruct(writer, [
    [1, (w) => w.uint(aum.kind)],
    [2, (w) => w.bytes(aum.prev)],
    key && [3, (w) => writeKey(w, key)],
    unlessEmpty(4, aum.keyId),
    state && [5, (w) => writeState(w, state)],
    votes === null ? null : [6, (w) => w.uint(votes)],
    metaField(7, aum.meta),
    signatures === null || signatures.length === 0
      ? null
      : [
          23,
          (w) =>
            writeList(w, signatures, (w, { keyId, signature }) =>
              w.map(2).uint(1).bytes(keyId).uint(2).bytes(signature),
            ),
        ],
  ])
  return writer.finish()
}

function writeNodeKeySignature(writer: CborWriter, nks: NodeKeySignature): void {
  const { nested } = nks
  writeStruct(writer, [
    [1, (w) => w.uint(nks.sigKind)],
    unlessEmpty(2, nks.pubkey),
    unlessEmpty(3, nks.keyId),
    unlessEmpty(4, nks.signature),
    nested && [5, (w) => writeNodeKeySignature(w, nested)],
    unlessEmpty(6, nks.wrappingPubkey),
  ])
}

/** Encodes a node-key signature. */
export function encodeNodeKeySignature(nks: NodeKeySignature): Uint8Array {
  const writer = new CborWriter()
  writeNodeKeySignature(writer, nks)
  return writer.finish()
}
