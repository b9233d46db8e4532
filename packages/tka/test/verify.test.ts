// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fromHex } from '@signet/codec'
import { keyOf, signerOf, stateOf } from '@signet/testkit/chain'
import {
  AumKind,
  aumSigHash,
  decodeAum,
  encodeAum,
  signAum,
  verifyAum,
  verifyAumSignature,
  verifyGenesis,
  type Aum,
  type AumSignature,
  type State,
  type TkaErrorCode,
} from '../src/index.ts'
import { refusal } from './support/refuses.ts'
import { aumOf, idOf, REAL_GENESIS, signedAum, SOME_HASH_BYTES, STATE } from './support/samples.ts'

const good = signedAum()
const [goodSignature] = good.signatures ?? []

function spoil(signature: AumSignature | undefined, at: number): AumSignature {
  const bytes = Uint8Array.from(signature?.signature ?? [])
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return { keyId: signature?.keyId ?? null, signature: bytes }
}

function signedBy(...signatures: (AumSignature | undefined)[]): Aum {
  return { ...good, signatures: signatures.filter((one) => one !== undefined) }
}

describe('verifyAum()', () => {
  const alone: State = { ...STATE, keys: [keyOf('alice')] }

  const accepted: [string, Aum, State][] = [
    ['one good signature', good, STATE],
    ['several', signedAum({}, 'alice', 'bob', 'carol'), STATE],
    ['Q18: a good signature twice', signedBy(goodSignature, goodSignature), STATE],
    [
      'Q19: a new state by one key of one vote',
      signedAum({ kind: 5, state: stateOf({ eve: 9 }) }),
      STATE,
    ],
    [
      'Q20: a checkpoint of another authority, which is refused later',
      signedAum({ kind: 5, state: stateOf({ eve: 9 }, 77n) }),
      STATE,
    ],
    ['Q21: a kind from the future', signedAum({ kind: 6, votes: 7n }), STATE],
    ['Q12: kind null, which is kind 0', decodeAum(encodeAum(signedAum({ kind: 0 }))), STATE],
    [
      'Q25: a parent of 33 bytes, which is refused later',
      signedAum({ prev: Uint8Array.from([...SOME_HASH_BYTES, 0]) }),
      STATE,
    ],
    [
      'adding a key that is there, which is refused later',
      signedAum({ kind: 1, key: keyOf('bob') }),
      STATE,
    ],
    [
      'removing a key that is not there, which is refused later',
      signedAum({ kind: 2, keyId: idOf('eve') }),
      STATE,
    ],
    [
      'removing one of several keys, the signer’s own',
      signedAum({ kind: 2, keyId: idOf('alice') }),
      STATE,
    ],
    [
      'Q23: removing another key than the only one',
      signedAum({ kind: 2, keyId: idOf('bob') }),
      alone,
    ],
    ['a signer without votes', good, { ...STATE, keys: [keyOf('alice', 0)] }],
  ]
  for (const [name, aum, state] of accepted) {
    test(`accepts ${name}`, () => assert.equal(verifyAum(aum, state), aum))
  }

  const refused: [string, TkaErrorCode, Aum, State][] = [
    ['no signature', 'unsigned', aumOf(), STATE],
    ['an empty list of signatures', 'unsigned', aumOf({ signatures: [] }), STATE],
    ['an unknown signer', 'untrusted-key', signedAum({}, 'mallory'), STATE],
    [
      'Q18: an unknown signer behind a good one',
      'untrusted-key',
      signedAum({}, 'alice', 'mallory'),
      STATE,
    ],
    [
      'Q18: an unknown signer before a good one',
      'untrusted-key',
      signedAum({}, 'mallory', 'alice'),
      STATE,
    ],
    [
      'Q18: a bad signature behind a good one',
      'bad-signature',
      signedBy(goodSignature, spoil(goodSignature, 3)),
      STATE,
    ],
    ['a changed R', 'bad-signature', signedBy(spoil(goodSignature, 0)), STATE],
    ['a changed S', 'bad-signature', signedBy(spoil(goodSignature, 32)), STATE],
    [
      'a signature of something else',
      'bad-signature',
      { ...aumOf({ votes: 1n }), signatures: good.signatures },
      STATE,
    ],
    [
      'a signature under another key id',
      'bad-signature',
      signedBy({ keyId: idOf('bob'), signature: goodSignature?.signature ?? null }),
      STATE,
    ],
    [
      'a signature of the wrong length',
      'bad-signature-shape',
      signedBy({ keyId: idOf('alice'), signature: new Uint8Array(63) }),
      STATE,
    ],
    ['no parent', 'no-parent', signedAum({ prev: null }), STATE],
    ['an empty parent', 'empty-parent', signedAum({ prev: new Uint8Array(0) }), STATE],
    ['another parent', 'wrong-parent', signedAum({ prev: new Uint8Array(32) }), STATE],
    [
      'Q25: a parent of 31 bytes',
      'wrong-parent',
      signedAum({ prev: SOME_HASH_BYTES.subarray(0, 31) }),
      STATE,
    ],
    ['a state that is at no update', 'wrong-parent', good, { ...STATE, lastAumHash: null }],
    ['a state without keys', 'untrusted-key', good, { ...STATE, keys: null }],
    [
      'a signer behind a key of unknown kind',
      'unknown-key-kind',
      good,
      { ...STATE, keys: [{ ...keyOf('x'), kind: 9 }, keyOf('alice')] },
    ],
    ['Q23: removing the only key', 'last-key', signedAum({ kind: 2, keyId: idOf('alice') }), alone],
    [
      'Q23: a checkpoint without keys',
      'bad-state',
      signedAum({ kind: 5, state: { ...STATE, lastAumHash: null, keys: [] } }),
      STATE,
    ],
    [
      'Q22: a checkpoint of 513 keys',
      'bad-state',
      signedAum({
        kind: 5,
        state: stateOf(Object.fromEntries(Array.from({ length: 513 }, (_, i) => [`k${i}`, 1]))),
      }),
      STATE,
    ],
    ['what is not well-formed, whoever signed', 'missing-field', signedAum({ kind: 1 }), STATE],
  ]
  for (const [name, code, aum, state] of refused) {
    test(`refuses ${name}`, () => assert.throws(() => verifyAum(aum, state), refusal(code)))
  }

  test('refuses S that is not below the group order', () => {
    // S + L, the same point: adding the group order must not give a second signature.
    const order = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')
    const bytes = Uint8Array.from(goodSignature?.signature ?? [])
    let carry = 0
    for (let i = 0; i < 32; i++) {
      const sum = (bytes[32 + i] ?? 0) + (order[i] ?? 0) + carry
      bytes[32 + i] = sum & 255
      carry = sum >> 8
    }
    const aum = signedBy({ keyId: idOf('alice'), signature: bytes })
    assert.throws(() => verifyAum(aum, STATE), refusal('bad-signature'))
  })

  test('accepts ZIP-215 signatures: a small-order key with S = 0 signs anything', () => {
    const identity = new Uint8Array(32)
    identity[0] = 1
    const state: State = { ...STATE, keys: [{ kind: 1, votes: 1n, public: identity, meta: null }] }
    const signature = new Uint8Array(64)
    signature[0] = 1
    verifyAum(aumOf({ signatures: [{ keyId: identity, signature }] }), state)
  })

  test('with genesis, does not look at the parent', () => {
    verifyAum(signedAum({ prev: new Uint8Array(32) }), STATE, { genesis: true })
    verifyAum(signedAum({ prev: null }), STATE, { genesis: true })
    assert.throws(
      () => verifyAum(signedAum({ prev: null }, 'mallory'), STATE, { genesis: true }),
      refusal('untrusted-key'),
    )
  })
})

describe('verifyAumSignature()', () => {
  test('judges one signature', () => {
    const digest = aumSigHash(good)
    assert.ok(goodSignature)
    verifyAumSignature(goodSignature, digest, STATE)
    const bad = spoil(goodSignature, 1)
    assert.throws(() => verifyAumSignature(bad, digest, STATE), refusal('bad-signature'))
    const nobody = { keyId: null, signature: null }
    assert.throws(() => verifyAumSignature(nobody, digest, STATE), refusal('untrusted-key'))
  })

  test('Q64: a key of odd length verifies nothing', () => {
    const odd = { kind: 1, votes: 1n, public: new Uint8Array(31), meta: null }
    const entry = { keyId: new Uint8Array(31), signature: new Uint8Array(64) }
    const state = { ...STATE, keys: [odd] }
    assert.throws(
      () => verifyAumSignature(entry, aumSigHash(good), state),
      refusal('bad-signature'),
    )
  })
})

describe('verifyGenesis()', () => {
  const state = stateOf({ alice: 1, bob: 2 })
  const genesis = (fields: Partial<Aum>, ...by: string[]): Aum =>
    signAum(aumOf({ kind: AumKind.Checkpoint, prev: null, state, ...fields }), by.map(signerOf))

  test('accepts the first update of a real network', () => {
    verifyGenesis(decodeAum(REAL_GENESIS))
  })

  test('Q36: accepts any checkpoint that one of its own keys signed', () => {
    verifyGenesis(genesis({}, 'bob'))
  })

  test('Q35: accepts a later checkpoint', () => {
    verifyGenesis(genesis({ prev: SOME_HASH_BYTES }, 'alice'))
  })

  const refused: [string, TkaErrorCode, Aum][] = [
    ['nobody’s signature', 'unsigned', genesis({})],
    ['a signature by a key that it does not name', 'untrusted-key', genesis({}, 'carol')],
    ['such a signature behind a good one', 'untrusted-key', genesis({}, 'alice', 'carol')],
    ['a no-op', 'bad-genesis', genesis({ kind: AumKind.NoOp }, 'alice')],
    [
      'an added key',
      'bad-genesis',
      genesis({ kind: AumKind.AddKey, key: keyOf('alice'), state: null }, 'alice'),
    ],
    ['a checkpoint without state', 'bad-genesis', genesis({ state: null }, 'alice')],
    ['a kind from the future with a state', 'bad-genesis', genesis({ kind: 6 }, 'alice')],
    ['a state that is at an update', 'bad-state', genesis({ state: STATE }, 'alice')],
    ['an empty parent', 'empty-parent', genesis({ prev: new Uint8Array(0) }, 'alice')],
  ]
  for (const [name, code, aum] of refused) {
    test(`refuses ${name}`, () => assert.throws(() => verifyGenesis(aum), refusal(code)))
  }
})
