// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVerifier, ed25519PublicKey, ed25519Sign, type SignedMessage } from '../src/index.ts'
import { ascii, bytes, flipBit } from './bytes.ts'
import { littleEndian } from './curve.ts'

const SEED = bytes('07'.repeat(32))
const PUBLIC = ed25519PublicKey(SEED)

function signed(text: string): SignedMessage {
  const message = ascii(text)
  return { publicKey: PUBLIC, message, signature: ed25519Sign(SEED, message) }
}

/** Lies that only an exact check can tell from the truth. */
function forged(text: string): SignedMessage {
  const item = signed(text)
  return { ...item, signature: flipBit(item.signature, 0) }
}

/** R of order 8 under the identity: the cofactored equation holds, the cofactorless one does not. */
function mixedOrder(): SignedMessage {
  const r = bytes('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')
  const signature = new Uint8Array([...r, ...new Uint8Array(32)])
  return { publicKey: littleEndian(1n), message: ascii('any'), signature }
}

/** Holds under the standard rule on any machine; no machine says yes to a small-order key. */
function smallOrder(rule?: SignedMessage['rule']): SignedMessage {
  const identity = littleEndian(1n)
  const signature = new Uint8Array([...identity, ...new Uint8Array(32)])
  const item = { publicKey: identity, message: ascii('any'), signature }
  return rule ? { ...item, rule } : item
}

function argsOf(item: SignedMessage): [Uint8Array, Uint8Array, Uint8Array] {
  return [item.publicKey, item.message, item.signature]
}

test('createVerifier() spends nothing on true signatures and impossible ones', async () => {
  const verifier = createVerifier({ maxSlowChecks: 0 })
  const short = { ...signed('a'), signature: new Uint8Array(63) }
  assert.ok(verifier.verifyZip215(...argsOf(signed('a'))))
  assert.ok(verifier.verifyStandard(...argsOf(signed('b'))))
  assert.equal(verifier.verifyZip215(...argsOf(short)), false)
  assert.deepEqual(await verifier.verifyBatchAsync([signed('c'), short]), ['valid', 'invalid'])
  assert.equal(verifier.slowChecks, 0)
})

test('createVerifier() allows exactly maxSlowChecks exact checks', () => {
  const verifier = createVerifier({ maxSlowChecks: 2 })
  assert.equal(verifier.verifyZip215(...argsOf(forged('a'))), false)
  assert.equal(verifier.verifyStandard(...argsOf(forged('b'))), false)
  assert.throws(() => verifier.verifyZip215(...argsOf(forged('c'))), {
    code: 'slow-checks-exhausted',
  })
  assert.throws(() => verifier.verifyStandard(...argsOf(forged('c'))), {
    code: 'slow-checks-exhausted',
  })
  assert.equal(verifier.slowChecks, 2)
  assert.ok(verifier.verifyZip215(...argsOf(signed('d'))), 'true signatures still pass')
})

test('createVerifier() has a method for each rule', () => {
  const verifier = createVerifier({ maxSlowChecks: 9 })
  assert.ok(verifier.verifyZip215(...argsOf(mixedOrder())))
  assert.equal(verifier.verifyStandard(...argsOf(mixedOrder())), false)
})

test('createVerifier().verifyBatchAsync() spends its allowance in the order of the items', async () => {
  const items = [signed('0'), forged('1'), signed('2'), forged('3'), forged('4'), signed('5')]
  const verifier = createVerifier({ maxSlowChecks: 2 })
  assert.deepEqual(await verifier.verifyBatchAsync(items), [
    'valid',
    'invalid',
    'valid',
    'invalid',
    'unchecked',
    'valid',
  ])
  assert.equal(verifier.slowChecks, 2)
  assert.deepEqual(await verifier.verifyBatchAsync([forged('6')]), ['unchecked'])
})

test('createVerifier().verifyBatchAsync() applies the rule that each item names', async () => {
  const mixed = mixedOrder()
  const verifier = createVerifier({ maxSlowChecks: 9 })
  const verdicts = await verifier.verifyBatchAsync([
    mixed,
    { ...mixed, rule: 'zip215' },
    { ...mixed, rule: 'standard' },
    smallOrder(),
    smallOrder('standard'),
  ])
  assert.deepEqual(verdicts, ['valid', 'valid', 'invalid', 'valid', 'valid'])
})

test('createVerifier().verifyBatchAsync() keeps the order of many items', async () => {
  const items = Array.from({ length: 300 }, (_, i) => (i % 7 === 0 ? forged : signed)(`${i}`))
  const verdicts = await createVerifier({ maxSlowChecks: 0 }).verifyBatchAsync(items)
  assert.deepEqual(
    verdicts,
    items.map((_, i) => (i % 7 === 0 ? 'unchecked' : 'valid')),
  )
  assert.deepEqual(await createVerifier({ maxSlowChecks: 0 }).verifyBatchAsync([]), [])
})

test('createVerifier().verifyBatchAsync() gives way between exact checks', async () => {
  const verifier = createVerifier({ maxSlowChecks: 4 })
  const seen: number[] = []
  let isDone = false
  const watch = (): void => {
    seen.push(verifier.slowChecks)
    if (!isDone) setImmediate(watch)
  }
  setImmediate(watch)
  await verifier.verifyBatchAsync([forged('1'), forged('2'), forged('3'), forged('4')])
  isDone = true
  // Whoever waits for the event loop gets a turn after each check, so every count is seen.
  assert.ok([1, 2, 3].every((count) => seen.includes(count)))
})
