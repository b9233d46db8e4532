// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boxSharedKey, clampX25519, x25519PublicKey, x25519SharedSecret } from '../src/index.ts'
import { bytes, hex } from './bytes.ts'

test('x25519SharedSecret() RFC 7748 section 5.2, second with the ignored top bit set', () => {
  const cases = [
    [
      'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
      'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
      'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
    ],
    [
      '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
      'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
      '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
    ],
  ] as const
  for (const [scalar, point, result] of cases) {
    assert.equal(hex(x25519SharedSecret(bytes(scalar), bytes(point))), result)
  }
})

test('x25519PublicKey() and x25519SharedSecret() RFC 7748 section 6.1', () => {
  const alice = bytes('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')
  const bob = bytes('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')
  const alicePublic = '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a'
  const bobPublic = 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'
  const secret = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'
  assert.equal(hex(x25519PublicKey(alice)), alicePublic)
  assert.equal(hex(x25519PublicKey(bob)), bobPublic)
  assert.equal(hex(x25519SharedSecret(alice, bytes(bobPublic))), secret)
  assert.equal(hex(x25519SharedSecret(bob, bytes(alicePublic))), secret)
})

/** Every u for which the secret is zero: points of order 1, 2, 4 and 8, and their second encodings. */
const LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]

for (const point of LOW_ORDER) {
  test(`x25519SharedSecret() refuses the low-order point ${point.slice(0, 8)}`, () => {
    const key = bytes('11'.repeat(32))
    assert.throws(() => x25519SharedSecret(key, bytes(point)), { code: 'low-order-point' })
    // The box layer of NaCl does not refuse it.
    assert.equal(boxSharedKey(key, bytes(point)).length, 32)
  })
}

test('clampX25519() sets the fixed bits in a copy, and changes no public key', () => {
  const raw = bytes('ff'.repeat(32))
  const clamped = clampX25519(raw)
  assert.equal(hex(clamped), `f8${'ff'.repeat(30)}7f`)
  assert.equal(hex(raw), 'ff'.repeat(32))
  assert.deepEqual(x25519PublicKey(raw), x25519PublicKey(clamped))
})

test('x25519 demands 32 bytes of each key', () => {
  const [short, right] = [new Uint8Array(31), new Uint8Array(32).fill(9)]
  assert.throws(() => x25519PublicKey(short), { code: 'bad-length' })
  assert.throws(() => x25519SharedSecret(short, right), { code: 'bad-length' })
  assert.throws(() => x25519SharedSecret(right, short), { code: 'bad-length' })
  assert.throws(() => clampX25519(short), { code: 'bad-length' })
})

test('x25519 follows an array that is reused for another private key', () => {
  const key = new Uint8Array(32).fill(1)
  const first = x25519PublicKey(key)
  key.fill(2)
  const second = x25519PublicKey(key)
  assert.notDeepEqual(first, second)
  assert.deepEqual(second, x25519PublicKey(new Uint8Array(32).fill(2)))
})
