// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { keyOf } from '@signet/testkit/chain'
import { keyId, validateKey, type Key, type TkaErrorCode } from '../src/index.ts'
import { refusal } from './support/refuses.ts'
import { keyWithMeta } from './support/samples.ts'

describe('keyId()', () => {
  test('is the public key itself', () => {
    const key = keyOf('alice')
    assert.deepEqual(keyId(key), key.public)
  })

  test('is empty for a key without a public key', () => {
    assert.deepEqual(keyId({ ...keyOf('alice'), public: null }), new Uint8Array(0))
  })

  for (const kind of [0, 2, 255]) {
    test(`refuses kind ${kind}`, () => {
      assert.throws(() => keyId({ ...keyOf('alice'), kind }), refusal('unknown-key-kind'))
    })
  }
})

describe('validateKey()', () => {
  const accepted: Record<string, Key> = {
    'one vote': keyOf('alice', 1),
    '4096 votes': keyOf('alice', 4096),
    'empty metadata': keyWithMeta('alice', {}),
    'Q27: 512 bytes of metadata': keyWithMeta('alice', { name: 'x'.repeat(508) }),
    'Q27: 512 bytes in two-byte characters': keyWithMeta('alice', { é: 'é'.repeat(255) }),
    'Q64: a public key of 31 bytes': { ...keyOf('alice'), public: new Uint8Array(31) },
    'Q64: no public key': { ...keyOf('alice'), public: null },
  }
  for (const [name, key] of Object.entries(accepted)) {
    test(`accepts ${name}`, () => validateKey(key))
  }

  const refused: [string, TkaErrorCode, Key][] = [
    ['no votes', 'bad-votes', keyOf('alice', 0)],
    ['4097 votes', 'bad-votes', keyOf('alice', 4097)],
    ['2^64-1 votes', 'bad-votes', { ...keyOf('alice'), votes: 2n ** 64n - 1n }],
    ['513 bytes of metadata', 'meta-too-big', keyWithMeta('alice', { name: 'x'.repeat(509) })],
    ['513 bytes in names', 'meta-too-big', keyWithMeta('alice', { ['n'.repeat(513)]: '' })],
    [
      'Q27: 171 three-byte characters',
      'meta-too-big',
      keyWithMeta('alice', { '': '€'.repeat(171) }),
    ],
    [
      'sum over entries',
      'meta-too-big',
      keyWithMeta('alice', { a: 'x'.repeat(256), b: 'y'.repeat(255) }),
    ],
    ['kind 0', 'unknown-key-kind', { ...keyOf('alice'), kind: 0 }],
    ['a kind from the future', 'unknown-key-kind', { ...keyOf('alice'), kind: 2 }],
  ]
  for (const [name, code, key] of refused) {
    test(`refuses ${name}`, () => assert.throws(() => validateKey(key), refusal(code)))
  }
})
