// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodePoint,
  hasReducedScalar,
  verifyStandardExact,
  verifyZip215Exact,
} from '../src/ed25519-exact.ts'
import { ed25519PublicKey, ed25519Sign } from '../src/index.ts'
import { ascii, bytes, hex } from './bytes.ts'
import { L, littleEndian, SMALL_ORDER } from './curve.ts'

const withScalar = (s: bigint): Uint8Array =>
  new Uint8Array([...new Uint8Array(32), ...littleEndian(s)])

test('hasReducedScalar() is true below L only', () => {
  for (const s of [0n, 1n, 2n ** 252n - 1n, 2n ** 252n, L - 1n]) {
    assert.ok(hasReducedScalar(withScalar(s)), `${s}`)
  }
  for (const s of [L, L + 1n, 17n * 2n ** 248n, 2n ** 255n, 2n ** 256n - 1n]) {
    assert.equal(hasReducedScalar(withScalar(s)), false, `${s}`)
  }
})

test('verify*Exact() refuse S that is not reduced, although the equation holds', () => {
  const seed = bytes('07'.repeat(32))
  const message = ascii('a message')
  const signature = ed25519Sign(seed, message)
  const s = BigInt(`0x${hex(signature.subarray(32).toReversed())}`)
  const unreduced = new Uint8Array([...signature.subarray(0, 32), ...littleEndian(s + L)])
  for (const verify of [verifyZip215Exact, verifyStandardExact]) {
    assert.ok(verify(ed25519PublicKey(seed), message, signature))
    assert.equal(verify(ed25519PublicKey(seed), message, unreduced), false)
  }
})

test('decodePoint() reads encodings that are not canonical as the points they stand for', () => {
  // y = p + 1 is y = 1: the identity, with and without the sign of x = 0.
  for (const encoding of [SMALL_ORDER[12], SMALL_ORDER[13], SMALL_ORDER[8]]) {
    assert.ok(decodePoint(bytes(encoding ?? ''))?.is0())
  }
  assert.equal(decodePoint(littleEndian(2n)), null)
  assert.equal(decodePoint(new Uint8Array(31)), null)
})
