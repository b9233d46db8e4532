// SPDX-License-Identifier: Apache-2.0

/** What libsodium says yes to, the rules say yes to: its answer is asked first, so this must hold. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { verifyStandardExact } from '../src/ed25519-exact.ts'
import { publicKeyOfSeed, signWithSeed } from '../src/native/ed25519.ts'
import { findSodium } from '../src/native/sodium.ts'
import { platform as native } from '../src/native/platform.ts'
import { platform as openssl } from '../src/native/platform-openssl.ts'
import { packSignatures, unpackSignatures } from '../src/native/signature-pack.ts'
import { createVerifyHelper } from '../src/native/verify-helper.ts'
import { ascii, bytes, flipBit } from './bytes.ts'

interface SignatureCase {
  readonly name: string
  readonly public: string
  readonly message: string
  readonly signature: string
  readonly zip215: boolean | 'panic'
  readonly std: boolean | 'panic'
}

const sodium = findSodium()
const skip = sodium === null && 'sodium-native is not installed'

/** Its own answer, as the fast path hears it. */
function accepts(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  assert.ok(sodium)
  return sodium.crypto_sign_verify_detached(signature, message, publicKey)
}

test('libsodium accepts no vector that a rule refuses', { skip }, () => {
  const url = new URL('../../../vectors/tka/ed25519.json', import.meta.url)
  const { cases } = JSON.parse(readFileSync(url, 'utf8')) as { cases: SignatureCase[] }
  const wrong: string[] = []
  let asked = 0
  let accepted = 0
  for (const vector of cases) {
    const [key, message, signature] = [vector.public, vector.message, vector.signature].map(bytes)
    assert.ok(key && message && signature)
    if (key.length !== 32 || signature.length !== 64) continue
    asked++
    if (!accepts(key, message, signature)) continue
    accepted++
    if (vector.zip215 !== true || vector.std !== true) wrong.push(vector.name)
  }
  assert.deepEqual(wrong, [])
  assert.ok(cases.length >= 500 && asked > 400 && accepted > 0, `${accepted} of ${asked}`)
})

test('libsodium accepts no signature with a flipped bit, nor message nor key', { skip }, () => {
  let random = 1
  const next = (below: number): number => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 1
    return random % below
  }
  const flip = (data: Uint8Array): Uint8Array => {
    const out = new Uint8Array(data)
    const at = next(out.length)
    out[at] = (out[at] ?? 0) ^ (1 << next(8))
    return out
  }
  for (let round = 0; round < 300; round++) {
    const seed = Uint8Array.from({ length: 32 }, () => next(256))
    const message = ascii(`message ${round}`)
    const key = publicKeyOfSeed(seed)
    const signature = signWithSeed(seed, message)
    assert.ok(accepts(key, message, signature))
    assert.equal(accepts(key, message, flip(signature)), false)
    assert.equal(accepts(key, flip(message), signature), false)
    const other = flip(key)
    // Another key can hold by no accident, but the rule decides, not this test.
    if (accepts(other, message, signature))
      assert.ok(verifyStandardExact(other, message, signature))
  }
})

test('ed25519VerifyMany() answers as one by one, in order, beyond a slice, a window and this thread', async () => {
  const items = Array.from({ length: 1500 }, (_, index) => {
    const seed = new Uint8Array(32).fill(index % 251)
    const message = ascii(`${index}`)
    const signature = signWithSeed(seed, message)
    const isForged = index % 9 === 4
    return {
      publicKey: publicKeyOfSeed(seed),
      message,
      signature: isForged ? flipBit(signature, 3) : signature,
    }
  })
  const expected = items.map((_, index) => index % 9 !== 4)
  for (const { ed25519VerifyMany } of [native, openssl]) {
    assert.deepEqual(await ed25519VerifyMany(items), expected)
    assert.deepEqual(await ed25519VerifyMany([]), [])
  }
})

test('packSignatures() and unpackSignatures() are inverse, empty messages too', () => {
  const items = [0, 5, 300].map((length) => ({
    publicKey: new Uint8Array(32).fill(length % 256),
    message: new Uint8Array(length).fill(1),
    signature: new Uint8Array(64).fill(2),
  }))
  assert.deepEqual(unpackSignatures(packSignatures(items)), items)
  assert.deepEqual(unpackSignatures(packSignatures([])), [])
})

test('createVerifyHelper() answers what it is given, and leaves short queues alone', async () => {
  const seed = new Uint8Array(32).fill(5)
  const message = ascii('help')
  const good = {
    publicKey: publicKeyOfSeed(seed),
    message,
    signature: signWithSeed(seed, message),
  }
  const bad = { ...good, signature: flipBit(good.signature, 1) }
  const queue = Array.from({ length: 600 }, (_, index) => ({ item: index % 50 ? good : bad }))
  const all = new Set(queue)
  const { promise, resolve } = Promise.withResolvers<void>()
  const answered: [object, boolean][] = []
  const helper = createVerifyHelper(queue, (job, isValid) => {
    answered.push([job, isValid])
    if (answered.length >= 96 * 6) resolve()
  })
  helper.feed()
  if (availableParallelism() === 1 || skip !== false) return
  await promise
  assert.ok(queue.length < 96, 'less than a chunk is left to this thread')
  assert.equal(new Set(answered.map(([job]) => job)).size, answered.length)
  for (const [job, isValid] of answered) {
    assert.equal(isValid, [...all].find((one) => one === job)?.item === good)
  }
  const short = Array.from({ length: 255 }, () => ({ item: good }))
  createVerifyHelper(short, () => assert.fail('not asked')).feed()
  assert.equal(short.length, 255)
})

test('ed25519VerifyMany() lets the event loop run', async () => {
  const seed = new Uint8Array(32).fill(9)
  const message = ascii('many')
  const item = {
    publicKey: publicKeyOfSeed(seed),
    message,
    signature: signWithSeed(seed, message),
  }
  const items = Array.from({ length: 800 }, () => item)
  for (const { ed25519VerifyMany } of [native, openssl]) {
    let turns = 0
    let isDone = false
    const count = (): void => {
      turns++
      if (!isDone) setImmediate(count)
    }
    setImmediate(count)
    // Two at a time share the turns.
    await Promise.all([ed25519VerifyMany(items.slice(400)), ed25519VerifyMany(items.slice(0, 400))])
    isDone = true
    assert.ok(turns >= 4, `${turns} turns`)
  }
})
