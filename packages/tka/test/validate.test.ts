// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { keyOf, stateOf } from '@signet/testkit/chain'
import {
  AumKind,
  EMPTY_STATE,
  MAX_DISABLEMENT_VALUES,
  MAX_KEYS,
  validateAum,
  type Aum,
  type Key,
  type State,
  type TkaErrorCode,
} from '../src/index.ts'
import { refusal } from './support/refuses.ts'
import { aumOf, idOf, keyWithMeta, SOME_HASH } from './support/samples.ts'

const { AddKey, RemoveKey, NoOp, UpdateKey, Checkpoint } = AumKind
const NO_BYTES = new Uint8Array(0)
const key = keyOf('dora')
const keyId = idOf('alice')
const state = stateOf({ alice: 1 })
const signature = { keyId, signature: new Uint8Array(64) }

function bytes(length: number, seed: number): Uint8Array {
  const out = new Uint8Array(length)
  new DataView(out.buffer).setUint32(0, seed)
  return out
}

function manyKeys(count: number): Key[] {
  return Array.from({ length: count }, (_, i) => ({ ...key, public: bytes(32, i) }))
}

function values(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => bytes(32, i))
}

function withState(changes: Partial<State>): Partial<Aum> {
  return { kind: Checkpoint, state: { ...state, ...changes } }
}

describe('validateAum()', () => {
  const accepted: [string, Partial<Aum>][] = [
    ['an added key', { kind: AddKey, key }],
    ['a removed key', { kind: RemoveKey, keyId }],
    ['a removed key with an id of one byte', { kind: RemoveKey, keyId: Uint8Array.of(1) }],
    ['new votes', { kind: UpdateKey, keyId, votes: 2n }],
    ['new metadata', { kind: UpdateKey, keyId, meta: new Map([['a', 'b']]) }],
    ['both', { kind: UpdateKey, keyId, votes: 2n, meta: new Map() }],
    ['Q24: metadata that is empty', { kind: UpdateKey, keyId, meta: new Map() }],
    ['Q24: votes that cannot be applied', { kind: UpdateKey, keyId, votes: 0n }],
    ['a checkpoint', { kind: Checkpoint, state }],
    ['a first update', { kind: Checkpoint, state, prev: null }],
    ['a no-op with anything', { kind: NoOp, key, keyId, state, votes: 1n, meta: new Map() }],
    ['Q21: a kind from the future with anything', { kind: 6, key, keyId, votes: 1n }],
    ['kind 0', { kind: 0, keyId: NO_BYTES }],
    ['Q25: a parent of 31 bytes', { prev: new Uint8Array(31) }],
    ['Q25: a parent of 33 bytes', { prev: new Uint8Array(33) }],
    ['signatures that nobody has verified', { signatures: [signature, signature] }],
    ['an empty list of signatures', { signatures: [] }],
    ['512 keys', withState({ keys: manyKeys(MAX_KEYS) })],
    ['32 disablement values', withState({ disablementValues: values(MAX_DISABLEMENT_VALUES) })],
    [
      'Q64: a key of 31 bytes in a checkpoint',
      withState({ keys: [key, { ...key, public: bytes(31, 1) }] }),
    ],
    ['a state without ids', withState({ stateId1: 0n, stateId2: 0n })],
  ]
  for (const [name, fields] of accepted) {
    test(`accepts ${name}`, () => validateAum(aumOf(fields)))
  }

  const refused: [string, TkaErrorCode, Partial<Aum>][] = [
    ['an empty parent', 'empty-parent', { prev: NO_BYTES }],
    ['an added key that is none', 'missing-field', { kind: AddKey }],
    ['an added key with key id', 'unexpected-field', { kind: AddKey, key, keyId }],
    [
      'Q26: an added key with empty key id',
      'unexpected-field',
      { kind: AddKey, key, keyId: NO_BYTES },
    ],
    ['an added key with state', 'unexpected-field', { kind: AddKey, key, state }],
    ['an added key with votes', 'unexpected-field', { kind: AddKey, key, votes: 1n }],
    ['an added key with metadata', 'unexpected-field', { kind: AddKey, key, meta: new Map() }],
    ['an added key with no votes', 'bad-votes', { kind: AddKey, key: keyOf('dora', 0) }],
    ['an added key with 4097 votes', 'bad-votes', { kind: AddKey, key: keyOf('dora', 4097) }],
    [
      'an added key with 513 bytes of metadata',
      'meta-too-big',
      { kind: AddKey, key: keyWithMeta('dora', { '': 'x'.repeat(513) }) },
    ],
    [
      'an added key of unknown kind',
      'unknown-key-kind',
      { kind: AddKey, key: { ...key, kind: 2 } },
    ],
    ['a removed key that is none', 'missing-field', { kind: RemoveKey }],
    ['a removed key with empty id', 'missing-field', { kind: RemoveKey, keyId: NO_BYTES }],
    ['a removed key with key', 'unexpected-field', { kind: RemoveKey, keyId, key }],
    ['a removed key with state', 'unexpected-field', { kind: RemoveKey, keyId, state }],
    ['a removed key with votes', 'unexpected-field', { kind: RemoveKey, keyId, votes: 0n }],
    [
      'a removed key with metadata',
      'unexpected-field',
      { kind: RemoveKey, keyId, meta: new Map() },
    ],
    ['a changed key that is none', 'missing-field', { kind: UpdateKey, votes: 1n }],
    [
      'a changed key with empty id',
      'missing-field',
      { kind: UpdateKey, keyId: NO_BYTES, votes: 1n },
    ],
    ['a changed key without change', 'missing-field', { kind: UpdateKey, keyId }],
    ['a changed key with key', 'unexpected-field', { kind: UpdateKey, keyId, votes: 1n, key }],
    ['a changed key with state', 'unexpected-field', { kind: UpdateKey, keyId, votes: 1n, state }],
    ['a checkpoint without state', 'missing-field', { kind: Checkpoint }],
    ['a checkpoint with key', 'unexpected-field', { kind: Checkpoint, state, key }],
    ['a checkpoint with key id', 'unexpected-field', { kind: Checkpoint, state, keyId }],
    [
      'Q26: a checkpoint with empty key id',
      'unexpected-field',
      { kind: Checkpoint, state, keyId: NO_BYTES },
    ],
    ['a checkpoint with votes', 'unexpected-field', { kind: Checkpoint, state, votes: 1n }],
    [
      'a checkpoint with metadata',
      'unexpected-field',
      { kind: Checkpoint, state, meta: new Map() },
    ],
    ['a key that is invalid, in a no-op', 'bad-votes', { key: keyOf('dora', 0) }],
    ['a state that is invalid, in a no-op', 'bad-state', { state: EMPTY_STATE }],
    [
      'a state that is invalid, in a kind from the future',
      'bad-state',
      { kind: 6, state: EMPTY_STATE },
    ],
  ]
  for (const [name, code, fields] of refused) {
    test(`refuses ${name}`, () => assert.throws(() => validateAum(aumOf(fields)), refusal(code)))
  }

  for (const [idLength, length] of [
    [31, 64],
    [33, 64],
    [32, 63],
    [32, 65],
    [0, 64],
    [32, 0],
  ] as const) {
    test(`refuses a signature of ${idLength} and ${length} bytes, even behind a good one`, () => {
      const bad = { keyId: new Uint8Array(idLength), signature: new Uint8Array(length) }
      const aum = aumOf({ signatures: [signature, bad] })
      assert.throws(() => validateAum(aum), refusal('bad-signature-shape'))
    })
  }

  test('refuses a signature that is null', () => {
    const aum = aumOf({ signatures: [{ keyId: null, signature: null }] })
    assert.throws(() => validateAum(aum), refusal('bad-signature-shape'))
  })

  const badStates: [string, TkaErrorCode, Partial<State>][] = [
    ['a hash', 'bad-state', { lastAumHash: SOME_HASH }],
    ['no keys', 'bad-state', { keys: [] }],
    ['null keys', 'bad-state', { keys: null }],
    ['Q22: 513 keys', 'bad-state', { keys: manyKeys(MAX_KEYS + 1) }],
    ['a key twice', 'bad-state', { keys: [key, key] }],
    ['a key twice, with other votes', 'bad-state', { keys: [key, keyOf('dora', 2)] }],
    ['an invalid key', 'bad-votes', { keys: [key, keyOf('emil', 0)] }],
    ['a key of unknown kind', 'unknown-key-kind', { keys: [{ ...key, kind: 7 }] }],
    ['no disablement values', 'bad-state', { disablementValues: [] }],
    ['null disablement values', 'bad-state', { disablementValues: null }],
    [
      '33 disablement values',
      'bad-state',
      { disablementValues: values(MAX_DISABLEMENT_VALUES + 1) },
    ],
    ['a disablement value twice', 'bad-state', { disablementValues: [bytes(32, 1), bytes(32, 1)] }],
    ['a disablement value of 31 bytes', 'bad-state', { disablementValues: [bytes(31, 1)] }],
    ['a disablement value of 33 bytes', 'bad-state', { disablementValues: [bytes(33, 1)] }],
    ['a disablement value that is null', 'bad-state', { disablementValues: [bytes(32, 1), null] }],
  ]
  for (const [name, code, changes] of badStates) {
    test(`refuses a checkpoint state with ${name}`, () => {
      assert.throws(() => validateAum(aumOf(withState(changes))), refusal(code))
    })
  }
})
