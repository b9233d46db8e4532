// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { format, inspect } from 'node:util'
import { fromHex, toHex } from '@signet/codec'
import { ed25519PublicKey, verifyZip215 } from '@signet/crypto'
import {
  generateChallengeKey,
  generateDiscoKey,
  generateLockKey,
  generateMachineKey,
  generateNodeKey,
  KeyError,
  lockKeyId,
  lockPrivateFromBytes,
  lockPrivateFromSeed,
  lockPublicOf,
  lockSigner,
  nodePrivateFromBytes,
  parseDerpMeshKey,
  parseNodePrivate,
  type PrivateKey,
  privateKeyBytes,
  type PrivateKeyKind,
} from '../src/index.ts'

const GENERATORS: readonly (() => PrivateKey<PrivateKeyKind>)[] = [
  generateMachineKey,
  generateNodeKey,
  generateDiscoKey,
  generateChallengeKey,
  generateLockKey,
  () => parseDerpMeshKey('ab'.repeat(32)),
]

for (const generate of GENERATORS) {
  const key = generate()
  test(`PrivateKey of kind ${key.kind} does not print`, () => {
    const secret = toHex(privateKeyBytes(key)).slice(0, 32)
    const views = [
      'key: '.concat(key.toString()),
      String(key),
      JSON.stringify({ key }),
      inspect(key),
      inspect({ key }, { showHidden: true, depth: 9 }),
      format('%s %o %j', key, key, key),
      JSON.stringify(Object.entries(key)),
    ]
    for (const view of views) {
      assert.ok(!view.includes(secret), view)
      assert.ok(!view.includes('Uint8Array'), view)
    }
    assert.equal(String(key), '<redacted>')
    assert.equal(inspect(key), '<redacted>')
  })
}

test('PrivateKey keeps its own copy of the bytes', () => {
  const raw = fromHex('11'.repeat(32))
  const key = nodePrivateFromBytes(raw)
  raw.fill(0)
  assert.equal(toHex(privateKeyBytes(key)), '11'.repeat(32))
})

test('KeyError of a private key does not carry the refused text', () => {
  const secret = 'c0ffee'.repeat(10)
  assert.throws(
    () => parseNodePrivate(`privkey:${secret}`),
    (error: unknown) => error instanceof KeyError && !inspect(error).includes('c0ffee'),
  )
  assert.throws(
    () => parseNodePrivate(`privkey:${'c0ffee'.repeat(10)}zzzz`),
    (error: unknown) => error instanceof KeyError && !inspect(error).includes('c0ffee'),
  )
})

test('generate*() gives clamped keys, different each time', () => {
  for (const generate of [generateMachineKey, generateNodeKey, generateDiscoKey]) {
    const raw = privateKeyBytes(generate())
    assert.equal((raw[0] ?? 1) & 7, 0)
    assert.equal((raw[31] ?? 0) >> 6, 1)
    assert.notDeepEqual(raw, privateKeyBytes(generate()))
  }
  assert.notDeepEqual(privateKeyBytes(generateLockKey()), privateKeyBytes(generateLockKey()))
})

test('lockSigner() signs for the id of its public key', () => {
  const key = lockPrivateFromSeed(fromHex('22'.repeat(32)))
  const signer = lockSigner(key)
  const digest = fromHex('33'.repeat(32))
  assert.deepEqual(signer.keyId, lockKeyId(lockPublicOf(key)))
  assert.ok(verifyZip215(signer.keyId, digest, signer.sign(digest)))
})

test('lockSigner() refuses a key whose halves do not belong together', () => {
  const raw = new Uint8Array(64)
  raw.set(ed25519PublicKey(fromHex('44'.repeat(32))), 32)
  assert.throws(() => lockSigner(lockPrivateFromBytes(raw)), { code: 'mismatched-lock-key' })
})

test('key constructors refuse bytes of another length', () => {
  assert.throws(() => nodePrivateFromBytes(new Uint8Array(31)), { code: 'bad-key-bytes' })
  assert.throws(() => lockPrivateFromBytes(new Uint8Array(32)), { code: 'bad-key-bytes' })
  assert.throws(() => lockPrivateFromSeed(new Uint8Array(64)), { code: 'bad-key-bytes' })
})
