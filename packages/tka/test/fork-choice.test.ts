// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { keyOf, signerOf } from '@signet/testkit/chain'
import {
  aumHash,
  AumKind,
  aumWeight,
  chooseFork,
  signAum,
  trustStoredAum,
  type Aum,
  type VerifiedAum,
} from '../src/index.ts'
import { refusal } from './support/refuses.ts'
import { aumOf, idOf, signedAum, STATE } from './support/samples.ts'

/** Returns the names of candidates in every order. */
function* permutations<T>(list: readonly T[]): Generator<T[]> {
  if (list.length === 0) yield []
  for (const [i, first] of list.entries()) {
    for (const rest of permutations(list.toSpliced(i, 1))) yield [first, ...rest]
  }
}

function assertChosen(expected: VerifiedAum, ...others: readonly VerifiedAum[]): void {
  for (const order of permutations([expected, ...others])) {
    assert.equal(chooseFork(STATE, order), expected)
  }
}

/** A no-op by these keys; `salt` makes another hash. */
function noOp(salt: number, ...by: readonly string[]): VerifiedAum {
  return trustStoredAum(signedAum({ keyId: Uint8Array.of(salt) }, ...by))
}

/** A removal of a key, whose hash is above those of all others given. */
function removalAbove(others: readonly Aum[], ...by: readonly string[]): VerifiedAum {
  for (let salt = 0; ; salt++) {
    const keyId = Uint8Array.of(salt & 255, salt >> 8)
    const aum = trustStoredAum(signedAum({ kind: AumKind.RemoveKey, keyId }, ...by))
    if (others.every((other) => aumHash(other) < aumHash(aum))) return aum
  }
}

function byHash(a: Aum, b: Aum): number {
  return aumHash(a) < aumHash(b) ? -1 : 1
}

describe('aumWeight()', () => {
  test('adds the votes of those who signed', () => {
    assert.equal(aumWeight(noOp(0, 'alice'), STATE), 1n)
    assert.equal(aumWeight(noOp(0, 'alice', 'bob', 'carol'), STATE), 7n)
    assert.equal(aumWeight(aumOf(), STATE), 0n)
  })

  test('Q30: counts each key once', () => {
    const once = signedAum({}, 'bob')
    const twice = signAum(once, [signerOf('bob')])
    assert.equal(twice.signatures?.length, 2)
    assert.equal(aumWeight(twice, STATE), 2n)
  })

  test('Q30: does not count keys that the state does not trust', () => {
    assert.equal(aumWeight(noOp(0, 'alice', 'mallory'), STATE), 1n)
  })

  test('Q65: of 600 keys with 4096 votes', () => {
    const names = Array.from({ length: 600 }, (_, i) => `signer ${i}`)
    const state = { ...STATE, keys: names.map((name) => keyOf(name, 4096)) }
    const signatures = names.map((name) => ({ keyId: idOf(name), signature: new Uint8Array(64) }))
    assert.equal(aumWeight(aumOf({ signatures }), state), 600n * 4096n)
  })

  test('refuses a key id that is not 32 bytes', () => {
    const aum = aumOf({ signatures: [{ keyId: new Uint8Array(31), signature: null }] })
    assert.throws(() => aumWeight(aum, STATE), refusal('bad-signature-shape'))
  })
})

describe('chooseFork()', () => {
  test('returns the only one there is', () => {
    const only = noOp(0, 'mallory')
    assert.equal(chooseFork(STATE, [only]), only)
  })

  test('refuses to choose from nothing', () => {
    assert.throws(() => chooseFork(STATE, []), refusal('bad-option'))
  })

  test('prefers the highest weight, in whatever order they come', () => {
    assertChosen(noOp(1, 'carol'), noOp(2, 'alice', 'bob'), noOp(3, 'alice'))
    assertChosen(noOp(1, 'alice', 'bob'), noOp(2, 'bob'), noOp(3, 'bob'))
  })

  test('Q31: prefers the removal of a key on equal weight, whatever its hash', () => {
    const others = [noOp(1, 'bob'), noOp(2, 'bob')]
    assertChosen(removalAbove(others, 'bob'), ...others)
  })

  test('Q31: prefers a heavier no-op to the removal of a key', () => {
    const removal = removalAbove([], 'bob')
    assertChosen(noOp(1, 'alice', 'bob'), removal, noOp(2, 'bob'))
  })

  test('Q31: prefers the lowest hash of several removals', () => {
    const removals = [1, 2, 3].map((salt) =>
      trustStoredAum(signedAum({ kind: AumKind.RemoveKey, keyId: Uint8Array.of(salt) }, 'bob')),
    )
    const [lowest, ...others] = removals.sort(byHash)
    assert.ok(lowest)
    assertChosen(lowest, ...others)
  })

  test('Q31: prefers the lowest hash if all else is equal', () => {
    const [lowest, ...others] = [1, 2, 3, 4].map((salt) => noOp(salt, 'bob')).sort(byHash)
    assert.ok(lowest)
    assertChosen(lowest, ...others)
  })

  test('does not prefer any other kind', () => {
    const kinds = [0, 1, 3, 4, 5, 6].map((kind) =>
      trustStoredAum(signedAum({ kind, votes: 1n }, 'bob')),
    )
    const [lowest, ...others] = kinds.sort(byHash)
    assert.ok(lowest)
    assertChosen(lowest, ...others.slice(0, 3))
  })
})
