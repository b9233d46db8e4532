// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { concatBytes, fromHex } from '@signet/codec'
import { nodePublicBinary, type NodePublic } from '@signet/keys'
import {
  authorizeNodeKey,
  authorizeProof,
  claimNodeKey,
  EMPTY_NODE_KEY_SIGNATURE,
  MAX_NODE_SIGNATURE_BYTES,
  proveClaim,
  proveNodeKey,
  SigKind,
  verifySignatureCheck,
  type LockSigner,
  type NodeKeySignature,
  type SignatureCheck,
  type TkaErrorCode,
} from '../src/index.ts'
import {
  bytesOf,
  credential,
  direct,
  lockKey,
  nodeKey,
  rotation,
  signed,
  trust,
} from './support/node-signatures.ts'
import { refusal } from './support/refuses.ts'

const trusted = lockKey(1)
const wrapping = lockKey(2)
const stranger = lockKey(9)
const [first, second, third] = [nodeKey(11), nodeKey(12), nodeKey(13)]
const root = direct(first, trusted, wrapping)
const keys = trust(lockKey(7), trusted)

const accepts = (signature: NodeKeySignature, key: NodePublic): void => {
  authorizeNodeKey(keys, key, bytesOf(signature))
}
const refuses = (signature: NodeKeySignature, key: NodePublic, code: TkaErrorCode): void => {
  assert.throws(() => accepts(signature, key), refusal(code))
}

describe('authorizeNodeKey()', () => {
  test('accepts a direct signature by a trusted key', () => {
    const { rotation: details, authorizingKeyId } = authorizeNodeKey(keys, first, bytesOf(root))
    assert.equal(details, null)
    assert.deepEqual(authorizingKeyId, trusted.keyId)
  })

  test('says what a rotation replaced, newest first', () => {
    const chain = rotation(third, rotation(second, root, wrapping), wrapping)
    const details = authorizeNodeKey(keys, third, bytesOf(chain)).rotation
    assert.deepEqual(details?.previousNodeKeys, [second, first])
    assert.deepEqual(details?.initialSignature, root)
  })

  test('looks at trust before the maths, so that strangers cost no verification', () => {
    const bytes = bytesOf(direct(first, stranger))
    const verify = (): boolean => assert.fail('verified')
    assert.throws(
      () => authorizeNodeKey(keys, first, bytes, verify),
      refusal('signature-untrusted'),
    )
  })

  // One row for each way to be wrong.
  const np = nodePublicBinary(first)
  const short = (bytes: Uint8Array): Uint8Array => bytes.slice(0, -1)
  const long = (bytes: Uint8Array): Uint8Array => concatBytes(bytes, Uint8Array.of(0))
  const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((b, i) => (i === 5 ? b ^ 1 : b))
  const chain = rotation(second, root, wrapping)
  const rejections: readonly [string, NodeKeySignature, NodePublic, TkaErrorCode][] = [
    ['a signature for another node key', root, second, 'signature-node-key'],
    ['no node key', signed({ ...root, pubkey: null }, trusted), first, 'signature-node-key'],
    [
      'Q40: a node key of 32 raw bytes',
      signed({ ...root, pubkey: np.slice(2) }, trusted),
      first,
      'signature-node-key',
    ],
    [
      'a node key with one byte more',
      signed({ ...root, pubkey: long(np) }, trusted),
      first,
      'signature-node-key',
    ],
    [
      'a changed signature',
      { ...root, signature: flipped(root.signature!) },
      first,
      'signature-invalid',
    ],
    [
      'a signature of 63 bytes',
      { ...root, signature: short(root.signature!) },
      first,
      'signature-structure',
    ],
    [
      'a signature of 65 bytes',
      { ...root, signature: long(root.signature!) },
      first,
      'signature-structure',
    ],
    ['no signature', { ...root, signature: null }, first, 'signature-structure'],
    [
      'a wrapping key swapped after signing',
      { ...root, wrappingPubkey: stranger.keyId },
      first,
      'signature-invalid',
    ],
    [
      'a key id swapped after signing',
      { ...root, keyId: lockKey(7).keyId },
      first,
      'signature-invalid',
    ],
    ['an untrusted key', direct(first, stranger), first, 'signature-untrusted'],
    [
      'a key id of 31 bytes',
      signed({ ...root, keyId: short(trusted.keyId) }, trusted),
      first,
      'signature-structure',
    ],
    [
      'a key id of 33 bytes',
      signed({ ...root, keyId: long(trusted.keyId) }, trusted),
      first,
      'signature-structure',
    ],
    ['no key id', signed({ ...root, keyId: null }, trusted), first, 'signature-structure'],
    [
      'the kind "invalid"',
      signed({ ...root, sigKind: SigKind.Invalid }, trusted),
      first,
      'signature-structure',
    ],
    [
      'a kind from the future',
      signed({ ...root, sigKind: 4 }, trusted),
      first,
      'signature-structure',
    ],
    ['the zero signature', EMPTY_NODE_KEY_SIGNATURE, first, 'signature-node-key'],
    [
      'a rotation around nothing',
      signed({ sigKind: SigKind.Rotation, pubkey: np, keyId: trusted.keyId }, trusted),
      first,
      'signature-structure',
    ],
    ['a rotation presented for the old key', chain, first, 'signature-node-key'],
    ['a rotation by a stranger', rotation(second, root, stranger), second, 'signature-invalid'],
    [
      'a rotation by the trusted key itself',
      rotation(second, root, trusted),
      second,
      'signature-invalid',
    ],
    [
      'a rotation around a direct signature without wrapping key',
      rotation(second, direct(first, trusted), wrapping),
      second,
      'signature-structure',
    ],
    [
      'a rotation that only itself has a wrapping key',
      rotation(second, direct(first, trusted), wrapping, wrapping),
      second,
      'signature-structure',
    ],
    [
      'a rotation around an untrusted signature',
      rotation(second, direct(first, stranger, wrapping), wrapping),
      second,
      'signature-untrusted',
    ],
    [
      'a rotation around a changed signature',
      rotation(second, { ...root, signature: flipped(root.signature!) }, wrapping),
      second,
      'signature-invalid',
    ],
    [
      'Q40: a rotation around a raw node key',
      rotation(second, signed({ ...root, pubkey: np.slice(2) }, trusted), wrapping),
      second,
      'signature-structure',
    ],
    [
      'a rotation around no node key',
      rotation(second, signed({ ...root, pubkey: null }, trusted), wrapping),
      second,
      'signature-structure',
    ],
    [
      'a wrapping key of 31 bytes',
      rotation(
        second,
        signed({ ...root, wrappingPubkey: short(wrapping.keyId) }, trusted),
        wrapping,
      ),
      second,
      'signature-structure',
    ],
    [
      'a wrapping key of 33 bytes',
      rotation(
        second,
        signed({ ...root, wrappingPubkey: long(wrapping.keyId) }, trusted),
        wrapping,
      ),
      second,
      'signature-structure',
    ],
    [
      'a rotation around a kind from the future',
      rotation(second, signed({ ...root, sigKind: 4 }, trusted), wrapping),
      second,
      'signature-structure',
    ],
  ]
  for (const [name, signature, key, code] of rejections) {
    test(`refuses ${name}`, () => refuses(signature, key, code))
  }

  test('Q42: the key that signs a rotation is the nearest named below it', () => {
    const twice = rotation(third, rotation(second, root, wrapping), wrapping)
    accepts(twice, third)
    const other = lockKey(3)
    const replaced = rotation(second, root, wrapping, other)
    accepts(rotation(third, replaced, other), third)
    refuses(rotation(third, replaced, wrapping), third, 'signature-invalid')
    // A rotation is not signed under the key that it brings itself.
    refuses(rotation(second, root, other, other), second, 'signature-invalid')
  })

  test('Q43: a credential authorises nothing alone', () => {
    refuses(credential(trusted, wrapping), first, 'signature-credential')
    const named = signed(
      { ...credential(trusted, wrapping), pubkey: nodePublicBinary(first) },
      trusted,
    )
    refuses(named, first, 'signature-credential')
  })

  test('Q43: the node key of a credential is not verified, but counts as a previous one', () => {
    const named = signed(
      { ...credential(trusted, wrapping), pubkey: nodePublicBinary(third) },
      trusted,
    )
    const details = authorizeNodeKey(
      keys,
      first,
      bytesOf(rotation(first, named, wrapping)),
    ).rotation
    assert.deepEqual(details?.previousNodeKeys, [third])
    const plain = rotation(first, credential(trusted, wrapping), wrapping)
    assert.deepEqual(authorizeNodeKey(keys, first, bytesOf(plain)).rotation?.previousNodeKeys, [])
    const raw = signed({ ...credential(trusted, wrapping), pubkey: Uint8Array.of(1) }, trusted)
    refuses(rotation(first, raw, wrapping), first, 'signature-structure')
  })

  test('Q44: direct signatures and credentials nest nothing, not even an empty map', () => {
    for (const nested of [EMPTY_NODE_KEY_SIGNATURE, root]) {
      refuses(signed({ ...root, nested }, trusted), first, 'signature-structure')
      const wrapped = signed({ ...credential(trusted, wrapping), nested }, trusted)
      refuses(rotation(first, wrapped, wrapping), first, 'signature-structure')
    }
  })

  test('refuses more than 8 KiB before it decodes anything', () => {
    const padded = (size: number): Uint8Array => {
      // An unknown key 99 with bytes of the length that is missing.
      const bytes = bytesOf(root)
      const content = new Uint8Array(size - bytes.length - 5)
      const head = [0x18, 99, 0x59, content.length >> 8, content.length & 255]
      return concatBytes(Uint8Array.of(0xa6), bytes.slice(1), Uint8Array.from(head), content)
    }
    assert.equal(padded(MAX_NODE_SIGNATURE_BYTES).length, MAX_NODE_SIGNATURE_BYTES)
    authorizeNodeKey(keys, first, padded(MAX_NODE_SIGNATURE_BYTES))
    const tooLarge = padded(MAX_NODE_SIGNATURE_BYTES + 1)
    assert.throws(() => authorizeNodeKey(keys, first, tooLarge), refusal('signature-too-large'))
    const garbage = new Uint8Array(MAX_NODE_SIGNATURE_BYTES + 1).fill(0xff)
    assert.throws(() => authorizeNodeKey(keys, first, garbage), refusal('signature-too-large'))
  })

  test('accepts 16 levels', () => {
    let deep: NodeKeySignature = direct(nodeKey(100), trusted, wrapping)
    for (let level = 2; level <= 16; level++) deep = rotation(nodeKey(99 + level), deep, wrapping)
    accepts(deep, nodeKey(115))
    refuses(rotation(nodeKey(116), deep, wrapping), nodeKey(116), 'signature-malformed')
  })
})

describe('the rules of ed25519', () => {
  const checksOf = (signature: NodeKeySignature, key: NodePublic): readonly SignatureCheck[] =>
    claimNodeKey(bytesOf(signature), key).checks

  test('Q41: rotations are under the standard rule, what a trusted key signed under ZIP-215', () => {
    assert.deepEqual(
      checksOf(root, first).map(({ rule }) => rule),
      ['zip215'],
    )
    const chain = rotation(third, rotation(second, root, wrapping), wrapping)
    const rules = checksOf(chain, third).map(({ rule }) => rule)
    assert.deepEqual(rules, ['standard', 'standard', 'zip215'])
    const joined = rotation(first, credential(trusted, wrapping), wrapping)
    assert.deepEqual(
      checksOf(joined, first).map(({ rule }) => rule),
      ['standard', 'zip215'],
    )
  })

  test('Q41: each rule answers as official software does, also where they disagree', () => {
    const url = new URL('../../../vectors/tka/ed25519.json', import.meta.url)
    const { cases } = JSON.parse(readFileSync(url, 'utf8')) as { cases: Ed25519Case[] }
    let disagreements = 0
    for (const value of cases) {
      const check = {
        public: fromHex(value.public),
        message: fromHex(value.message),
        signature: fromHex(value.signature),
      }
      const zip215 = verifySignatureCheck({ rule: 'zip215', ...check })
      const standard = verifySignatureCheck({ rule: 'standard', ...check })
      assert.deepEqual([zip215, standard], [value.zip215, value.std === true], value.name)
      if (zip215 !== standard) disagreements++
    }
    assert.ok(disagreements > 50)
  })

  // Encodings of the points of order 1, 2, 4 and 8: eight canonical, six not.
  const smallOrder = [
    '01' + '00'.repeat(31),
    'ec' + 'ff'.repeat(30) + '7f',
    '00'.repeat(32),
    '00'.repeat(31) + '80',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    '01' + '00'.repeat(30) + '80',
    'ec' + 'ff'.repeat(31),
    'ed' + 'ff'.repeat(30) + '7f',
    'ed' + 'ff'.repeat(31),
    'ee' + 'ff'.repeat(30) + '7f',
    'ee' + 'ff'.repeat(31),
  ]

  test('Q49: a rotation under a key of small order is refused before its signature is looked at', () => {
    for (const point of smallOrder) {
      const anybody: LockSigner = { keyId: fromHex(point), sign: () => new Uint8Array(64) }
      const victim = direct(first, trusted, anybody)
      // The direct signature itself stays good: nothing is signed under the key.
      accepts(victim, first)
      refuses(rotation(second, victim, anybody), second, 'signature-wrapping-key')
      const middle = rotation(second, root, wrapping, anybody)
      refuses(rotation(third, middle, anybody), third, 'signature-wrapping-key')
      const delegated = credential(trusted, anybody)
      refuses(rotation(first, delegated, anybody), first, 'signature-wrapping-key')
    }
  })

  test('Q49: without that check the identity as wrapping key would let anybody in', () => {
    // R = [S]B with S = 0 is the identity too: the equation holds for every message.
    const identity = fromHex(smallOrder[0]!)
    const forged = concatBytes(identity, new Uint8Array(32))
    const check = { public: identity, message: fromHex('00'), signature: forged }
    assert.ok(verifySignatureCheck({ rule: 'standard', ...check }))
  })
})

interface Ed25519Case {
  readonly name: string
  readonly public: string
  readonly message: string
  readonly signature: string
  readonly zip215: boolean
  readonly std: boolean | 'panic'
}

describe('maths and trust', () => {
  const bytes = bytesOf(rotation(second, root, wrapping))

  test('a proof does not depend on who is trusted, an authorization does', () => {
    const proof = proveNodeKey(bytes, second)
    assert.throws(() => authorizeProof(trust(stranger), proof), refusal('signature-untrusted'))
    assert.throws(() => authorizeProof(trust(), proof), refusal('signature-untrusted'))
    assert.equal(authorizeProof(keys, proof).nodeKey, second)
  })

  test('proveClaim() wants one true for each check', () => {
    const claim = claimNodeKey(bytes, second)
    assert.equal(claim.checks.length, 2)
    assert.equal(proveClaim(claim, claim.checks.map(verifySignatureCheck)).nodeKey, second)
    for (const results of [[], [true], [true, false], [false, true], [true, true, true]]) {
      assert.throws(() => proveClaim(claim, results), refusal('signature-invalid'))
    }
    const forged = { ...claim, checks: [] }
    assert.throws(() => proveClaim(forged, []), refusal('signature-invalid'))
  })

  test('proveNodeKey() stops at the first check that fails', () => {
    let done = 0
    const verify = (): boolean => ++done > 1
    assert.throws(() => proveNodeKey(bytes, second, verify), refusal('signature-invalid'))
    assert.equal(done, 1)
  })
})
