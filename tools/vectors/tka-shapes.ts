// SPDX-License-Identifier: Apache-2.0
/**
 * The structures of vectors/tka as its README writes them, both ways: read from a case into our
 * types, and our types shown the way a case writes them. Null (absent) and empty stay apart.
 */

import { aumHashFromBytes } from '@signet/tka'
import type { Aum, Key, NodeKeySignature, State } from '@signet/tka'
import { fromHex } from '@signet/codec'
import { hex, integer, listOf, nullable, record, ShapeError, text, uint64 } from './fields.ts'
import type { Fields, Reader } from './fields.ts'

/** A reader of objects that insists that all members were read. */
function whole<T>(read: (fields: Fields) => T): Reader<T> {
  return (value, path) => {
    const fields = record(value, path)
    const out = read(fields)
    const unread = fields.unread()
    if (unread.length > 0) throw new ShapeError(`${path}: unknown member ${unread.join(', ')}`)
    return out
  }
}

const bytes = nullable(hex)

const pair: Reader<[string, string]> = (value, path) => {
  const [name, content, ...rest] = listOf(text)(value, path)
  if (name === undefined || content === undefined || rest.length > 0) {
    throw new ShapeError(`${path}: expected a pair of texts`)
  }
  return [name, content]
}

export const meta: Reader<Map<string, string> | null> = (value, path) => {
  const pairs = nullable(listOf(pair))(value, path)
  return pairs && new Map(pairs)
}

export const key: Reader<Key> = whole((fields) => ({
  kind: fields.get('kind', integer),
  votes: fields.get('votes', uint64),
  public: fields.get('public', bytes),
  meta: fields.get('meta', meta),
}))

export const state: Reader<State> = whole((fields) => {
  const last = fields.get('lastAumHash', bytes)
  return {
    lastAumHash: last && aumHashFromBytes(last),
    disablementValues: fields.get('disablementValues', nullable(listOf(bytes))),
    keys: fields.get('keys', nullable(listOf(key))),
    stateId1: fields.get('stateId1', uint64),
    stateId2: fields.get('stateId2', uint64),
  }
})

export const aum: Reader<Aum> = whole((fields) => ({
  kind: fields.get('kind', integer),
  prev: fields.get('prev', bytes),
  key: fields.get('key', nullable(key)),
  keyId: fields.get('keyId', bytes),
  state: fields.get('state', nullable(state)),
  votes: fields.get('votes', nullable(uint64)),
  meta: fields.get('meta', meta),
  signatures: fields.get(
    'signatures',
    nullable(
      listOf(
        whole((entry) => ({
          keyId: entry.get('keyId', bytes),
          signature: entry.get('signature', bytes),
        })),
      ),
    ),
  ),
}))

export const nodeKeySignature: Reader<NodeKeySignature> = whole((fields) => ({
  sigKind: fields.get('sigKind', integer),
  pubkey: fields.get('pubkey', bytes),
  keyId: fields.get('keyId', bytes),
  signature: fields.get('signature', bytes),
  nested: fields.get('nested', nullable(nodeKeySignature)),
  wrappingPubkey: fields.get('wrappingPubkey', bytes),
}))

/** A state as a case writes it; hashes are bytes there. Everything else has the same shape. */
export function stateShape(value: State): unknown {
  const { lastAumHash } = value
  return { ...value, lastAumHash: lastAumHash && fromHex(lastAumHash) }
}

/** An update as a case writes it. */
export function aumShape(value: Aum): unknown {
  return { ...value, state: value.state && stateShape(value.state) }
}
