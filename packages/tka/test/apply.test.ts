// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { keyOf, stateOf } from '@signet/testkit/chain'
import {
  applyAum,
  AumKind,
  aumHash,
  decodeAum,
  EMPTY_STATE,
  encodeAum,
  MAX_KEYS,
  previewAum,
  trustStoredAum,
  validateAum,
  type Aum,
  type Key,
  type State,
  type TkaErrorCode,
} from '../src/index.ts'
import { refusal } from './support/refuses.ts'
import { aumOf, idOf, keyWithMeta, SOME_HASH_BYTES, STATE } from './support/samples.ts'

const { AddKey, RemoveKey, UpdateKey, Checkpoint } = AumKind

function apply(state: State, fields: Partial<Aum>): State {
  return applyAum(state, trustStoredAum(aumOf(fields)))
}

function names(state: State): string[] {
  const known = ['alice', 'bob', 'carol', 'dora', 'eve']
  return (state.keys ?? []).map(
    (key) =>
      known.find((name) => Buffer.from(idOf(name)).equals(key.public ?? new Uint8Array())) ?? '?',
  )
}

describe('applyAum()', () => {
  test('moves the head to the update', () => {
    const aum = trustStoredAum(aumOf())
    assert.deepEqual(applyAum(STATE, aum), { ...STATE, lastAumHash: aumHash(aum) })
  })

  test('leaves the state that it was given alone', () => {
    const before = structuredClone(STATE)
    apply(STATE, { kind: AddKey, key: keyOf('dora') })
    apply(STATE, { kind: RemoveKey, keyId: idOf('alice') })
    apply(STATE, { kind: UpdateKey, keyId: idOf('alice'), votes: 9n })
    assert.deepEqual(structuredClone(STATE), before)
  })

  test('adds a key at the end', () => {
    assert.deepEqual(names(apply(STATE, { kind: AddKey, key: keyOf('dora') })), [
      'alice',
      'bob',
      'carol',
      'dora',
    ])
  })

  test('adds the first key of a state that has none', () => {
    const state = { ...STATE, keys: null }
    assert.deepEqual(names(apply(state, { kind: AddKey, key: keyOf('dora') })), ['dora'])
  })

  test('Q22: adds the 513th key, which no checkpoint can hold', () => {
    const keys: Key[] = Array.from({ length: MAX_KEYS }, (_, i) => ({
      ...keyOf('x'),
      public: Uint8Array.of(i >> 8, i & 255),
    }))
    const state = apply({ ...STATE, keys }, { kind: AddKey, key: keyOf('dora') })
    assert.equal(state.keys?.length, MAX_KEYS + 1)
    const checkpoint = aumOf({ kind: Checkpoint, state: { ...state, lastAumHash: null } })
    assert.throws(() => validateAum(checkpoint), refusal('bad-state'))
  })

  test('Q64: adds, changes and removes a key of 31 bytes, and a checkpoint may hold it', () => {
    const id = new Uint8Array(31).fill(7)
    const odd = { ...keyOf('x'), public: id }
    const added = previewAum({ ...STATE, lastAumHash: null }, aumOf({ kind: AddKey, key: odd }))
    validateAum(aumOf({ kind: Checkpoint, state: { ...added, lastAumHash: null } }))
    const at = { ...added, lastAumHash: null }
    const changed = previewAum(at, aumOf({ kind: UpdateKey, keyId: id, votes: 3n }))
    assert.equal(changed.keys?.at(-1)?.votes, 3n)
    const removed = previewAum(at, aumOf({ kind: RemoveKey, keyId: id }))
    assert.deepEqual(names(removed), ['alice', 'bob', 'carol'])
  })

  test('adds a key that stands behind one of unknown kind, as official software does', () => {
    const fromFuture = { ...keyOf('x'), kind: 9 }
    const state = { ...STATE, keys: [fromFuture, keyOf('dora')] }
    assert.equal(apply(state, { kind: AddKey, key: keyOf('dora') }).keys?.length, 3)
  })

  test('removes a key, and keeps the order of the others', () => {
    assert.deepEqual(names(apply(STATE, { kind: RemoveKey, keyId: idOf('bob') })), [
      'alice',
      'carol',
    ])
  })

  test('removes the last key of a state: verification is what refuses that', () => {
    const state = { ...STATE, keys: [keyOf('alice')] }
    assert.deepEqual(apply(state, { kind: RemoveKey, keyId: idOf('alice') }).keys, [])
  })

  test('changes votes, and keeps metadata', () => {
    const state = { ...STATE, keys: [keyWithMeta('alice', { a: 'b' })] }
    const [key] = apply(state, { kind: UpdateKey, keyId: idOf('alice'), votes: 7n }).keys ?? []
    assert.equal(key?.votes, 7n)
    assert.deepEqual(key?.meta, new Map([['a', 'b']]))
  })

  test('replaces metadata, and keeps votes', () => {
    const meta = new Map([['c', 'd']])
    const [, key] = apply(STATE, { kind: UpdateKey, keyId: idOf('bob'), meta }).keys ?? []
    assert.equal(key?.votes, 2n)
    assert.deepEqual(key?.meta, meta)
  })

  test('Q24: empty metadata clears; after a way through bytes it keeps', () => {
    const state = { ...STATE, keys: [keyWithMeta('alice', { a: 'b' })] }
    const aum = aumOf({ kind: UpdateKey, keyId: idOf('alice'), meta: new Map() })
    assert.deepEqual(previewAum(state, aum).keys?.[0]?.meta, new Map())
    const reloaded = decodeAum(encodeAum(aum))
    assert.equal(aumHash(reloaded), aumHash(aum))
    assert.deepEqual(previewAum(state, reloaded).keys?.[0]?.meta, new Map([['a', 'b']]))
  })

  test('Q19: a checkpoint replaces keys and disablement values', () => {
    const state = { ...stateOf({ eve: 1 }), disablementValues: [new Uint8Array(32)] }
    const after = apply(STATE, { kind: Checkpoint, state })
    assert.deepEqual(names(after), ['eve'])
    assert.deepEqual(after.disablementValues, [new Uint8Array(32)])
  })

  for (const kind of [0, 3, 6, 255]) {
    test(`Q21: kind ${kind} moves the head only, whatever it carries`, () => {
      const fields = {
        kind,
        key: keyOf('dora'),
        keyId: idOf('alice'),
        votes: 9n,
        state: stateOf({ eve: 1 }),
      }
      const after = apply(STATE, fields)
      assert.deepEqual({ ...after, lastAumHash: null }, { ...STATE, lastAumHash: null })
      assert.equal(after.lastAumHash, aumHash(aumOf(fields)))
    })
  }

  test('applies anything to the state before any update', () => {
    const after = apply(EMPTY_STATE, { kind: AddKey, key: keyOf('dora'), prev: null })
    assert.deepEqual(names(after), ['dora'])
  })

  const refused: [string, TkaErrorCode, Partial<Aum>][] = [
    ['another parent', 'wrong-parent', { prev: new Uint8Array(32) }],
    ['no parent', 'wrong-parent', { prev: null }],
    ['Q25: a parent of 31 bytes', 'wrong-parent', { prev: SOME_HASH_BYTES.subarray(0, 31) }],
    [
      'Q25: a parent of 33 bytes',
      'wrong-parent',
      { prev: Uint8Array.from([...SOME_HASH_BYTES, 0]) },
    ],
    ['a key that is trusted already', 'key-exists', { kind: AddKey, key: keyOf('bob', 9) }],
    ['no key to add', 'missing-field', { kind: AddKey }],
    [
      'a key to add of unknown kind',
      'unknown-key-kind',
      { kind: AddKey, key: { ...keyOf('x'), kind: 2 } },
    ],
    ['a key to remove that is not there', 'unknown-key', { kind: RemoveKey, keyId: idOf('eve') }],
    ['no key to remove', 'unknown-key', { kind: RemoveKey }],
    [
      'a key to change that is not there',
      'unknown-key',
      { kind: UpdateKey, keyId: idOf('eve'), votes: 1n },
    ],
    ['Q24: zero votes', 'bad-votes', { kind: UpdateKey, keyId: idOf('bob'), votes: 0n }],
    ['4097 votes', 'bad-votes', { kind: UpdateKey, keyId: idOf('bob'), votes: 4097n }],
    [
      'too much metadata',
      'meta-too-big',
      { kind: UpdateKey, keyId: idOf('bob'), meta: new Map([['', 'x'.repeat(513)]]) },
    ],
    ['a checkpoint without state', 'missing-field', { kind: Checkpoint }],
    [
      'Q20: a checkpoint with another first id',
      'wrong-state-id',
      { kind: Checkpoint, state: { ...stateOf({ alice: 1 }), stateId1: 7n } },
    ],
    [
      'Q20: a checkpoint with another second id',
      'wrong-state-id',
      { kind: Checkpoint, state: { ...stateOf({ alice: 1 }), stateId2: 7n } },
    ],
  ]
  for (const [name, code, fields] of refused) {
    test(`refuses ${name}`, () => assert.throws(() => apply(STATE, fields), refusal(code)))
  }

  test('fails at a key of unknown kind that stands before the one to change', () => {
    const state = { ...STATE, keys: [{ ...keyOf('x'), kind: 9 }, keyOf('bob')] }
    for (const kind of [RemoveKey, UpdateKey]) {
      const fields = { kind, keyId: idOf('bob'), votes: 2n }
      assert.throws(() => apply(state, fields), refusal('unknown-key-kind'))
    }
  })
})
