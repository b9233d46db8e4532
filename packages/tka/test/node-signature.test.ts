// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concatBytes, fromHex, toHex } from '@signet/codec'
import { nodePublicBinary, nodePublicFromBytes } from '@signet/keys'
import {
  decodeNodeKeySignature,
  EMPTY_NODE_KEY_SIGNATURE,
  encodeNodeKeySignature,
  innermostSignature,
  nodeKeySigHash,
  parseSignedNodeKey,
  SigKind,
  unverifiedAuthorizingKeyId,
  unverifiedWrappingPublic,
} from '../src/index.ts'
import {
  bytesOf,
  credential,
  direct,
  lockKey,
  nodeKey,
  rotation,
} from './support/node-signatures.ts'
import { refusal } from './support/refuses.ts'

const trusted = lockKey(1)
const wrapping = lockKey(2)
const firstKey = nodePublicFromBytes(Uint8Array.from({ length: 32 }, (_, i) => 0xa0 + i))

// Made by official software on 2026-11-22: seed 01 x 32 signs, seed 02 x 32 wraps.
const GOLDEN =
  'a5' + // map of 5
  '0101' + // 1: direct
  '025822' + // 2: bytes, 34
  '6e70a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf' +
  '035820' + // 3: bytes, 32
  '8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c' +
  '045840' + // 4: bytes, 64
  'e1d367c435042515653cf581f32b0981fc56dbd0964a9d10d04f21ef770d2266' +
  '96be652a30d3ce5965c888aaa9681ee117676eca609377f86c33acaca611e502' +
  '065820' + // 6: bytes, 32
  '8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394'

describe('encodeNodeKeySignature()', () => {
  const golden = direct(firstKey, trusted, wrapping)

  test('Q6: a signature is over the structure without key 4, not with a null', () => {
    assert.equal(toHex(encodeNodeKeySignature(golden)), GOLDEN)
    const digest = '5347e4cdd04b284da7f7b69a62fcf09f817db403cbfb2e9228f6badcccf829c3'
    assert.equal(toHex(nodeKeySigHash(golden)), digest)
    // The nested signature, with its own signature, is part of what a rotation is over.
    const rotated = rotation(nodeKey(0x33), golden, wrapping)
    const over = '0a17b6105e4a453902730d4ddcba09553d91c4553248888b9ec6e4ac5ce60366'
    assert.equal(toHex(nodeKeySigHash(rotated)), over)
  })

  test('Q40: a node key is signed in its binary form, "np" and 32 bytes', () => {
    assert.equal(toHex(golden.pubkey!).slice(0, 4), '6e70')
    assert.equal(parseSignedNodeKey(golden.pubkey), firstKey)
  })

  test('leaves out what is null or empty, alike', () => {
    const empty = new Uint8Array()
    const fields = { pubkey: empty, keyId: empty, signature: empty, wrappingPubkey: empty }
    assert.equal(toHex(bytesOf({ ...EMPTY_NODE_KEY_SIGNATURE, ...fields })), 'a10100')
    assert.equal(toHex(bytesOf(EMPTY_NODE_KEY_SIGNATURE)), 'a10100')
  })
})

describe('decodeNodeKeySignature()', () => {
  test('reads what it wrote', () => {
    const chain = rotation(nodeKey(3), credential(trusted, wrapping), wrapping, lockKey(9))
    assert.deepEqual(decodeNodeKeySignature(bytesOf(chain)), chain)
  })

  const accepted: readonly [name: string, bytes: string, canonical: string][] = [
    ['null', 'f6', 'a10100'],
    ['undefined', 'f7', 'a10100'],
    ['an empty map', 'a0', 'a10100'],
    ['a null kind', 'a101f6', 'a10100'],
    ['a kind as simple value', 'a101e2', 'a10102'],
    ['a kind in two bytes', 'a1011801', 'a10101'],
    ['a key in two bytes', 'a1180101', 'a10101'],
    ['unsorted fields', 'a20241010101', 'a20101024101'],
    ['a text key for an integer one', 'a1613103', 'a10103'],
    ['an unknown key', 'a2010318638102', 'a10103'],
    ['bytes as an array', 'a20101028201187f', 'a201010242017f'],
    ['a null nested signature', 'a2010205f6', 'a10102'],
    ['Q44: an empty nested signature, which is not none', 'a2010105a0', 'a2010105a10100'],
  ]
  for (const [name, bytes, canonical] of accepted) {
    test(`accepts ${name}`, () => {
      assert.equal(toHex(bytesOf(decodeNodeKeySignature(fromHex(bytes)))), canonical)
    })
  }

  const refused: readonly [name: string, bytes: string][] = [
    ['nothing', ''],
    ['a byte too many', GOLDEN + '00'],
    ['a byte too few', GOLDEN.slice(0, -2)],
    ['Q11: a repeated key', 'a201010101'],
    ['Q11: a repeated unknown key', 'a2186300186300'],
    ['Q11: a key as integer and as text', 'a20101613101'],
    ['Q15: a tag', 'd9d9f7a10101'],
    ['Q15: an indefinite map', 'bf0101ff'],
    ['Q17: a negative kind', 'a10120'],
    ['Q17: a float for a kind', 'a101f93c00'],
    ['Q17: a kind beyond eight bits', 'a101190100'],
    ['text for bytes', 'a1026161'],
    ['a list for the structure', '80'],
    ['a list for a nested signature', 'a10580'],
  ]
  for (const [name, bytes] of refused) {
    test(`refuses ${name}`, () => {
      assert.throws(() => decodeNodeKeySignature(fromHex(bytes)), refusal('signature-malformed'))
    })
  }

  test('Q13: 16 levels are read, 17 are not', () => {
    const nested = (levels: number): Uint8Array =>
      levels === 1 ? fromHex('a10101') : concatBytes(fromHex('a2010205'), nested(levels - 1))
    assert.equal(decodeNodeKeySignature(nested(16)).sigKind, SigKind.Rotation)
    assert.throws(() => decodeNodeKeySignature(nested(17)), refusal('signature-malformed'))
  })
})

describe('unverifiedWrappingPublic()', () => {
  const other = lockKey(3)
  const root = direct(nodeKey(1), trusted, wrapping)

  test('is the nearest that is there', () => {
    const plain = rotation(nodeKey(3), rotation(nodeKey(2), root, wrapping), wrapping)
    assert.deepEqual(unverifiedWrappingPublic(plain), wrapping.keyId)
    const replaced = rotation(nodeKey(3), rotation(nodeKey(2), root, wrapping, other), other)
    assert.deepEqual(unverifiedWrappingPublic(replaced), other.keyId)
  })

  test('is null without any, and not looked for below what is no rotation', () => {
    assert.equal(unverifiedWrappingPublic(direct(nodeKey(1), trusted)), null)
    assert.equal(unverifiedWrappingPublic({ ...root, wrappingPubkey: null, nested: root }), null)
    const empty = { ...root, wrappingPubkey: new Uint8Array() }
    assert.equal(unverifiedWrappingPublic(empty), null)
  })
})

describe('unverifiedAuthorizingKeyId()', () => {
  test('is the key id of what the rotations stand on', () => {
    const chain = rotation(nodeKey(2), direct(nodeKey(1), trusted, wrapping), wrapping)
    assert.deepEqual(unverifiedAuthorizingKeyId(chain), trusted.keyId)
    assert.deepEqual(unverifiedAuthorizingKeyId(credential(trusted, wrapping)), trusted.keyId)
    assert.equal(innermostSignature(chain)?.sigKind, SigKind.Direct)
  })

  const without = [
    ['a rotation around nothing', { ...EMPTY_NODE_KEY_SIGNATURE, sigKind: SigKind.Rotation }],
    ['an unknown kind', { ...direct(nodeKey(1), trusted), sigKind: 4 }],
    ['an empty key id', { ...direct(nodeKey(1), trusted), keyId: new Uint8Array() }],
  ] as const
  for (const [name, signature] of without) {
    test(`refuses ${name}`, () => {
      assert.throws(() => unverifiedAuthorizingKeyId(signature), refusal('signature-structure'))
    })
  }
})

describe('parseSignedNodeKey()', () => {
  const binary = nodePublicBinary(nodeKey(7))
  const refused: readonly [name: string, bytes: Uint8Array | null][] = [
    ['none', null],
    ['Q40: 32 raw bytes', binary.slice(2)],
    ['another prefix', concatBytes(fromHex('6d70'), binary.slice(2))],
    ['a byte too few', binary.slice(0, -1)],
    ['a byte too many', concatBytes(binary, Uint8Array.of(0))],
  ]
  for (const [name, bytes] of refused) {
    test(`refuses ${name}`, () => {
      assert.throws(() => parseSignedNodeKey(bytes), refusal('signature-structure'))
    })
  }
})
