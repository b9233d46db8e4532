// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKeyCache } from '../src/native/key-cache.ts'

const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex')
const raw = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)

test('createKeyCache() imports a key once, whichever array it comes in', () => {
  const importKey = createKeyCache(ED25519_SPKI, 4)
  assert.equal(importKey(raw(1)), importKey(raw(1)))
  assert.notEqual(importKey(raw(1)), importKey(raw(2)))
})

test('createKeyCache() forgets the least recently used key at its capacity', () => {
  const importKey = createKeyCache(ED25519_SPKI, 2)
  const [one, two] = [importKey(raw(1)), importKey(raw(2))]
  assert.equal(importKey(raw(1)), one, 'used again, so the other is older now')
  importKey(raw(3))
  assert.equal(importKey(raw(1)), one)
  assert.notEqual(importKey(raw(2)), two)
})

test('createKeyCache() gives a key of exactly these bytes', () => {
  const jwk = createKeyCache(ED25519_SPKI, 2)(raw(5)).export({ format: 'jwk' })
  assert.deepEqual(Buffer.from(jwk.x ?? '', 'base64url'), Buffer.from(raw(5)))
})
