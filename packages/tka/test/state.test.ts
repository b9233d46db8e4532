// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { keyOf } from '@signet/testkit/chain'
import { EMPTY_STATE, findKey, hasKey, stateIdText, type State } from '../src/index.ts'
import { refusal } from './support/refuses.ts'
import { idOf, STATE } from './support/samples.ts'

const fromFuture = { ...keyOf('dora'), kind: 2 }

function withKeys(...keys: NonNullable<State['keys']>): State {
  return { ...STATE, keys }
}

describe('findKey()', () => {
  test('finds a key by its id', () => assert.equal(findKey(STATE, idOf('bob'))?.votes, 2n))

  test('finds nothing for another id', () => {
    assert.equal(findKey(STATE, idOf('mallory')), undefined)
    assert.equal(findKey(STATE, idOf('bob').subarray(0, 31)), undefined)
    assert.equal(findKey(EMPTY_STATE, idOf('bob')), undefined)
  })

  test('Q64: finds keys of odd length by exact bytes', () => {
    const odd = { ...keyOf('odd'), public: Uint8Array.of(1, 2) }
    assert.equal(findKey(withKeys(odd), Uint8Array.of(1, 2)), odd)
    assert.equal(findKey(withKeys(odd), Uint8Array.of(1, 2, 0)), undefined)
  })

  test('fails at a key of unknown kind, and finds what is before it', () => {
    const state = withKeys(keyOf('alice'), fromFuture, keyOf('bob'))
    assert.ok(findKey(state, idOf('alice')))
    assert.throws(() => findKey(state, idOf('bob')), refusal('unknown-key-kind'))
  })
})

describe('hasKey()', () => {
  test('says whether a key is trusted', () => {
    assert.equal(hasKey(STATE, idOf('carol')), true)
    assert.equal(hasKey(STATE, idOf('mallory')), false)
  })

  test('says no at a key of unknown kind', () => {
    const state = withKeys(keyOf('alice'), fromFuture, keyOf('bob'))
    assert.equal(hasKey(state, idOf('alice')), true)
    assert.equal(hasKey(state, idOf('bob')), false)
  })
})

test('Q8: stateIdText() keeps all 64 bits', () => {
  const state = { ...STATE, stateId1: 2n ** 64n - 1n, stateId2: 2n ** 53n + 1n }
  assert.equal(stateIdText(state), '18446744073709551615:9007199254740993')
})
