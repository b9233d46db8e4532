// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  blake2s256,
  blake2sKeyed,
  hkdfBlake2s,
  hmacBlake2s,
  hmacSha256,
  sha256,
} from '../src/index.ts'
import { ascii, bytes, hex } from './bytes.ts'

const JEFE = [ascii('Jefe'), ascii('what do ya want for nothing?')] as const
const COUNTING = Uint8Array.from({ length: 32 }, (_, i) => i)

test('blake2s256() RFC 7693 appendix B', () => {
  assert.equal(
    hex(blake2s256(ascii('abc'))),
    '508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982',
  )
})

test('blake2sKeyed() reference known-answer test, and shorter key and output', () => {
  assert.equal(
    hex(blake2sKeyed(COUNTING, new Uint8Array(0), 32)),
    '48a8997da407876b3d79c0d92325ad3b89cbb754d86ab71aee047ad345fd2c49',
  )
  assert.equal(hex(blake2sKeyed(ascii('k'), ascii('abc'), 16)), 'f335237426ff5582d0c607ef240684b5')
})

test('sha256() FIPS 180-4', () => {
  assert.equal(
    hex(sha256(ascii('abc'))),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
})

test('hmacSha256() RFC 4231 case 2', () => {
  assert.equal(
    hex(hmacSha256(...JEFE)),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  )
})

// The next values are from CPython 3.11 (hmac with hashlib.blake2s).
test('hmacBlake2s() with a short and with a key longer than a block', () => {
  assert.equal(
    hex(hmacBlake2s(...JEFE)),
    '90b6281e2f3038c9056af0b4a7e763cae6fe5d9eb4386a0ec95237890c104ff0',
  )
  const longKey = Uint8Array.from({ length: 100 }, (_, i) => i)
  assert.equal(
    hex(hmacBlake2s(longKey, new Uint8Array(0))),
    '60c8ad712b1d426c37f4b615c6232c8a91904ab8685338e99b3e8ac9f0834c68',
  )
})

test('hkdfBlake2s() gives a chain of keys, of which fewer are a prefix', () => {
  const input = bytes('0b'.repeat(22))
  const keys = [
    '82cf9f18b3be3d2ccebaf2b1d0c8ec96532a29989e4371eb2a485066e041f8f2',
    '19e895d4a1a5a245ffd9e728b406d447c868a6da315f1f7f686b25a6f0a81c2b',
    '74c023807eb6fe1dd3c5b486d7a64d1b74e87449f53ecb199f6662f7b5d9b633',
  ]
  assert.deepEqual(hkdfBlake2s(COUNTING, input, 3).map(hex), keys)
  assert.deepEqual(hkdfBlake2s(COUNTING, input, 2).map(hex), keys.slice(0, 2))
})
