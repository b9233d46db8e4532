// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ed25519PublicKey,
  ed25519Sign,
  isDecodablePoint,
  isSmallOrder,
  verifyStandard,
  verifyZip215,
  verifyZip215Async,
} from '../src/index.ts'
import { ascii, bytes, flipBit, hex } from './bytes.ts'
import { L, littleEndian, SMALL_ORDER } from './curve.ts'

// RFC 8032 section 7.1, tests 1 to 3
const RFC_8032 = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature: `e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
      5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b`,
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature: `92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
      085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00`,
  },
  {
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature: `6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
      18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a`,
  },
]

for (const [index, vector] of RFC_8032.entries()) {
  test(`ed25519*() RFC 8032 test ${index + 1}`, async () => {
    const [publicKey, message] = [bytes(vector.publicKey), bytes(vector.message)]
    const signature = bytes(vector.signature)
    assert.equal(hex(ed25519PublicKey(bytes(vector.seed))), vector.publicKey)
    assert.equal(hex(ed25519Sign(bytes(vector.seed), message)), hex(signature))
    assert.ok(verifyZip215(publicKey, message, signature))
    assert.ok(verifyStandard(publicKey, message, signature))
    assert.ok(await verifyZip215Async(publicKey, message, signature))
  })
}

const SEED = bytes('07'.repeat(32))
const PUBLIC = ed25519PublicKey(SEED)
const MESSAGE = ascii('a message')
const SIGNATURE = ed25519Sign(SEED, MESSAGE)

/** The signature with S + L for S: the equation holds, the rule does not. */
function unreduced(): Uint8Array {
  const s = Buffer.from(SIGNATURE.subarray(32).toReversed()).toString('hex')
  return new Uint8Array([...SIGNATURE.subarray(0, 32), ...littleEndian(BigInt(`0x${s}`) + L)])
}

const REJECTIONS: Record<string, [Uint8Array, Uint8Array, Uint8Array]> = {
  'another message': [PUBLIC, ascii('a massage'), SIGNATURE],
  'no message': [PUBLIC, new Uint8Array(0), SIGNATURE],
  'another key': [ed25519PublicKey(bytes('08'.repeat(32))), MESSAGE, SIGNATURE],
  'a changed R': [PUBLIC, MESSAGE, flipBit(SIGNATURE, 0)],
  'a changed S': [PUBLIC, MESSAGE, flipBit(SIGNATURE, 32)],
  'S not reduced': [PUBLIC, MESSAGE, unreduced()],
  'S of all ones': [
    PUBLIC,
    MESSAGE,
    new Uint8Array([...SIGNATURE.subarray(0, 32), ...bytes('ff'.repeat(32))]),
  ],
  'an R that is no point': [
    PUBLIC,
    MESSAGE,
    new Uint8Array([...littleEndian(2n), ...SIGNATURE.subarray(32)]),
  ],
  'a key that is no point': [littleEndian(2n), MESSAGE, SIGNATURE],
  'a key of 31 bytes': [PUBLIC.subarray(1), MESSAGE, SIGNATURE],
  'a key of 33 bytes': [new Uint8Array([...PUBLIC, 0]), MESSAGE, SIGNATURE],
  'no key': [new Uint8Array(0), MESSAGE, SIGNATURE],
  'a signature of 63 bytes': [PUBLIC, MESSAGE, SIGNATURE.subarray(0, 63)],
  'a signature of 65 bytes': [PUBLIC, MESSAGE, new Uint8Array([...SIGNATURE, 0])],
  'no signature': [PUBLIC, MESSAGE, new Uint8Array(0)],
}

for (const [what, args] of Object.entries(REJECTIONS)) {
  test(`verifyZip215() and verifyStandard() refuse ${what}`, async () => {
    assert.equal(verifyZip215(...args), false)
    assert.equal(verifyStandard(...args), false)
    assert.equal(await verifyZip215Async(...args), false)
  })
}

test('ed25519PublicKey() and ed25519Sign() demand a seed of 32 bytes', () => {
  assert.throws(() => ed25519PublicKey(new Uint8Array(64)), { code: 'bad-length' })
  assert.throws(() => ed25519Sign(new Uint8Array(31), MESSAGE), { code: 'bad-length' })
})

test('isSmallOrder() knows all fourteen encodings, canonical or not', () => {
  for (const point of SMALL_ORDER) {
    assert.ok(isSmallOrder(bytes(point)), point)
    assert.ok(isDecodablePoint(bytes(point)), point)
  }
  assert.equal(SMALL_ORDER.length, 14)
  assert.equal(isSmallOrder(PUBLIC), false)
})

test('isDecodablePoint() refuses bytes that are no point, and other lengths', () => {
  assert.ok(isDecodablePoint(PUBLIC))
  for (const bad of [littleEndian(2n), PUBLIC.subarray(1), new Uint8Array(33)]) {
    assert.equal(isDecodablePoint(bad), false)
    assert.equal(isSmallOrder(bad), false)
  }
})

test('verifyZip215() accepts anything under a small-order key that anybody could sign for', () => {
  // R = A = the identity, S = 0: why callers who trust keys of strangers ask isSmallOrder() first.
  const identity = littleEndian(1n)
  const forged = new Uint8Array([...identity, ...new Uint8Array(32)])
  assert.ok(verifyZip215(identity, MESSAGE, forged))
  assert.ok(verifyStandard(identity, MESSAGE, forged))
})
