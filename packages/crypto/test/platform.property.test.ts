// SPDX-License-Identifier: Apache-2.0

/** The builds are one, libsodium installed or not: whatever goes in, the same comes out. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { verifyStandardExact, verifyZip215Exact } from '../src/ed25519-exact.ts'
import { platform as native } from '../src/native/platform.ts'
import { platform as openssl } from '../src/native/platform-openssl.ts'
import { platform as portable } from '../src/portable/platform.ts'
import { bytes, flipBit } from './bytes.ts'
import { SMALL_ORDER } from './curve.ts'

const ALL = [native, openssl, portable] as const
const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
const data = fc.uint8Array({ maxLength: 300 })
const RUNS = { numRuns: 40 }
const FEW_RUNS = { numRuns: 15 }

function same<T>(values: readonly [T, ...T[]]): void {
  for (const value of values) assert.deepEqual(value, values[0])
}

test('platforms agree on hashes', () => {
  fc.assert(
    fc.property(data, data, (a, b) => {
      same([native.blake2s256(a), portable.blake2s256(a)])
      same([native.sha256(a), portable.sha256(a)])
      same([native.hmacBlake2s(a, b), portable.hmacBlake2s(a, b)])
      same([native.hmacSha256(a, b), portable.hmacSha256(a, b)])
    }),
    RUNS,
  )
})

test('platforms agree on encryption, and open what the other sealed', () => {
  const nonce = fc.uint8Array({ minLength: 12, maxLength: 12 })
  fc.assert(
    fc.property(key, nonce, data, data, (key, nonce, ad, plaintext) => {
      const [a, b, c] = [native.createAead(key), openssl.createAead(key), portable.createAead(key)]
      const sealed = a.seal(nonce, ad, plaintext)
      same([sealed, b.seal(nonce, ad, plaintext), c.seal(nonce, ad, plaintext)])
      const roomy = new Uint8Array([...new Uint8Array(16), ...sealed])
      same([roomy, ...[a, b, c].map((aead) => aead.seal(nonce, ad, plaintext, 16))])
      same([
        plaintext,
        a.open(nonce, ad, sealed),
        b.open(nonce, ad, sealed),
        c.open(nonce, ad, sealed),
      ])
      const damaged = flipBit(sealed, plaintext.length)
      same([
        null,
        a.open(nonce, ad, damaged),
        b.open(nonce, ad, damaged),
        c.open(nonce, ad, damaged),
      ])
    }),
    RUNS,
  )
})

test('platforms agree on key agreement, whatever the public key', () => {
  fc.assert(
    fc.property(key, key, (privateKey, publicKey) => {
      same([
        native.x25519PublicKey(privateKey),
        openssl.x25519PublicKey(privateKey),
        portable.x25519PublicKey(privateKey),
      ])
      same([
        native.x25519(privateKey, publicKey),
        openssl.x25519(privateKey, publicKey),
        portable.x25519(privateKey, publicKey),
      ])
    }),
    FEW_RUNS,
  )
})

test('platforms agree on low-order public keys: zeros', () => {
  for (const publicKey of ['00'.repeat(32), `01${'00'.repeat(31)}`, `ec${'ff'.repeat(30)}7f`]) {
    for (const { x25519 } of ALL) {
      assert.deepEqual(x25519(bytes('11'.repeat(32)), bytes(publicKey)), new Uint8Array(32))
    }
  }
})

test('platforms agree on signing, and verify what the other signed', async () => {
  await fc.assert(
    fc.asyncProperty(key, data, async (seed, message) => {
      const publicKey = native.ed25519PublicKey(seed)
      const signature = native.ed25519Sign(seed, message)
      same([publicKey, portable.ed25519PublicKey(seed)])
      same([signature, portable.ed25519Sign(seed, message)])
      for (const { ed25519Verify, ed25519VerifyAsync, ed25519VerifyMany } of ALL) {
        assert.ok(ed25519Verify(publicKey, message, signature))
        assert.deepEqual(await ed25519VerifyMany([{ publicKey, message, signature }]), [true])
        assert.ok(await ed25519VerifyAsync(publicKey, message, signature))
      }
    }),
    FEW_RUNS,
  )
})

test('a yes of the machine is a yes of the standard rule, and that a yes of ZIP-215', () => {
  const point = fc.oneof(key, fc.constantFrom(...SMALL_ORDER.map(bytes)))
  const signer = fc.record({ seed: key, swapKey: fc.boolean(), swapR: fc.boolean() })
  fc.assert(
    fc.property(signer, point, point, data, ({ seed, swapKey, swapR }, a, r, message) => {
      const publicKey = swapKey ? a : native.ed25519PublicKey(seed)
      const signature = native.ed25519Sign(seed, message)
      if (swapR) signature.set(r)
      const args = [publicKey, message, signature] as const
      const isStandard = verifyStandardExact(...args)
      for (const { ed25519Verify } of ALL) if (ed25519Verify(...args)) assert.ok(isStandard)
      if (isStandard) assert.ok(verifyZip215Exact(...args))
      if (!swapKey && !swapR) assert.ok(isStandard)
    }),
    FEW_RUNS,
  )
})

test('platforms agree on Argon2i', async () => {
  const cost = { passes: 2, memoryKiB: 64, parallelism: 2, length: 32 }
  for (const password of [new Uint8Array(0), bytes('a5'.repeat(32))]) {
    const options = { ...cost, password, salt: bytes('02'.repeat(16)) }
    same([await native.argon2i(options), await portable.argon2i(options)])
  }
})

test('no platform returns a Buffer', async () => {
  const seed = bytes('07'.repeat(32))
  for (const platform of ALL) {
    const aead = platform.createAead(seed)
    const sealed = aead.seal(new Uint8Array(12), seed, seed)
    const results = [
      platform.blake2s256(seed),
      platform.hmacBlake2s(seed, seed),
      platform.sha256(seed),
      platform.hmacSha256(seed, seed),
      platform.ed25519PublicKey(seed),
      platform.ed25519Sign(seed, seed),
      platform.x25519PublicKey(seed),
      platform.x25519(seed, platform.x25519PublicKey(seed)),
      sealed,
      aead.open(new Uint8Array(12), seed, sealed),
      await platform.argon2i({
        password: seed,
        salt: seed,
        passes: 1,
        memoryKiB: 8,
        parallelism: 1,
        length: 32,
      }),
    ]
    for (const result of results) assert.equal(result?.constructor, Uint8Array, platform.name)
  }
})
