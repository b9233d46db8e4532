// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fromHex } from '@signet/codec'
import { lockPublicFromBytes, zeroLockPublic } from '@signet/keys'
import {
  authorizeNodeKey,
  decodeNodeKeySignature,
  resignNodeKey,
  signNodeKey,
  trimRotations,
  type NodeKeySignature,
} from '../src/index.ts'
import {
  bytesOf,
  credential,
  depthOf,
  direct,
  lockKey,
  nodeKey,
  rotation,
  trust,
} from './support/node-signatures.ts'
import { refusal } from './support/refuses.ts'

const trusted = lockKey(1)
const own = lockKey(2)
const keys = trust(trusted)

/** A chain of this depth over a root; the newest node key is `nodeKey(depth)`. */
function chainOf(root: NodeKeySignature, depth: number, signer = own): NodeKeySignature {
  let chain = root
  for (let level = 2; level <= depth; level++) chain = rotation(nodeKey(level), chain, signer)
  return chain
}

describe('signNodeKey()', () => {
  test('signs a node key, and names the key that may rotate it', () => {
    const rotationPublic = lockPublicFromBytes(own.keyId)
    const bytes = signNodeKey({ nodeKey: nodeKey(5), rotationPublic, signer: trusted })
    assert.deepEqual(decodeNodeKeySignature(bytes), direct(nodeKey(5), trusted, own))
    authorizeNodeKey(keys, nodeKey(5), bytes)
  })

  test('Q49: without a rotation key the field is left out, not 32 zero bytes', () => {
    for (const rotationPublic of [undefined, zeroLockPublic]) {
      const bytes = signNodeKey({ nodeKey: nodeKey(5), rotationPublic, signer: trusted })
      assert.equal(decodeNodeKeySignature(bytes).wrappingPubkey, null)
      authorizeNodeKey(keys, nodeKey(5), bytes)
    }
  })

  test('Q49: refuses to name a key of small order', () => {
    const rotationPublic = lockPublicFromBytes(fromHex('01' + '00'.repeat(31)))
    assert.throws(
      () => signNodeKey({ nodeKey: nodeKey(5), rotationPublic, signer: trusted }),
      refusal('signature-wrapping-key'),
    )
  })
})

describe('resignNodeKey()', () => {
  test('Q45: bytes for the same node key come back as they are, canonical or not', () => {
    const canonical = bytesOf(direct(nodeKey(5), trusted, own))
    // The same with an unknown key 99 in front.
    const odd = fromHex('a6186300' + Buffer.from(canonical.slice(1)).toString('hex'))
    for (const old of [canonical, odd]) {
      assert.equal(resignNodeKey({ nodeKey: nodeKey(5), old, signer: own }), old)
    }
  })

  test('stands the new key on the old signature', () => {
    const old = direct(nodeKey(5), trusted, own)
    const bytes = resignNodeKey({ nodeKey: nodeKey(6), old: bytesOf(old), signer: own })
    assert.deepEqual(decodeNodeKeySignature(bytes), rotation(nodeKey(6), old, own))
    assert.deepEqual(authorizeNodeKey(keys, nodeKey(6), bytes).rotation?.previousNodeKeys, [
      nodeKey(5),
    ])
  })

  test('does not verify: the wrong signer makes what nobody accepts', () => {
    const old = bytesOf(direct(nodeKey(5), trusted, own))
    const bytes = resignNodeKey({ nodeKey: nodeKey(6), old, signer: trusted })
    assert.throws(() => authorizeNodeKey(keys, nodeKey(6), bytes), refusal('signature-invalid'))
  })

  test('refuses what is no signature', () => {
    for (const old of ['', 'ff', 'a1010100']) {
      assert.throws(
        () => resignNodeKey({ nodeKey: nodeKey(6), old: fromHex(old), signer: own }),
        refusal('signature-malformed'),
      )
    }
  })

  const roots = [
    ['a direct signature', direct(nodeKey(1), trusted, own), 15],
    ['a credential', credential(trusted, own), 14],
  ] as const
  for (const [name, root, mostKeys] of roots) {
    test(`Q46: forty rotations over ${name} verify at every step, and stay within 16 levels`, () => {
      let bytes: Uint8Array = bytesOf(rotation(nodeKey(100), root, own))
      for (let step = 1; step <= 40; step++) {
        const key = nodeKey(100 + step)
        bytes = resignNodeKey({ nodeKey: key, old: bytes, signer: own })
        const details = authorizeNodeKey(keys, key, bytes).rotation
        assert.ok(depthOf(decodeNodeKeySignature(bytes)) <= 16)
        assert.equal(details?.previousNodeKeys[0], nodeKey(100 + step - 1))
        assert.deepEqual(details?.initialSignature, root)
        assert.ok((details?.previousNodeKeys.length ?? 0) <= mostKeys)
      }
    })
  }
})

describe('trimRotations()', () => {
  const root = direct(nodeKey(1), trusted, own)

  test('Q46: leaves alone what has room for one more level', () => {
    const chain = chainOf(root, 15)
    assert.equal(trimRotations(chain, own), chain)
  })

  test('Q46: keeps the root and the 14 newest keys of a full chain', () => {
    const trimmed = trimRotations(chainOf(root, 16), own)
    assert.equal(depthOf(trimmed), 15)
    const { rotation: details } = authorizeNodeKey(keys, nodeKey(16), bytesOf(trimmed))
    const newest = Array.from({ length: 13 }, (_, index) => nodeKey(15 - index))
    assert.deepEqual(details?.previousNodeKeys, [...newest, nodeKey(1)])
    assert.deepEqual(details?.initialSignature, root)
  })

  test('Q46: keeps the level that made the signer the wrapping key', () => {
    const other = lockKey(3)
    for (const at of [2, 7, 15]) {
      const replaced = rotation(nodeKey(at), chainOf(root, at - 1), own, other)
      let chain = replaced
      for (let level = at + 1; level <= 16; level++) {
        chain = rotation(nodeKey(level), chain, other)
      }
      const trimmed = trimRotations(chain, other)
      assert.equal(depthOf(trimmed), 15)
      const renewed = rotation(nodeKey(17), trimmed, other)
      const details = authorizeNodeKey(keys, nodeKey(17), bytesOf(renewed)).rotation
      assert.ok(details?.previousNodeKeys.includes(nodeKey(at)))
    }
  })

  test('Q46: needs no level that only repeats the wrapping key', () => {
    let chain = rotation(nodeKey(2), root, own, own)
    for (let level = 3; level <= 16; level++) chain = rotation(nodeKey(level), chain, own)
    const trimmed = trimRotations(chain, own)
    assert.equal(depthOf(trimmed), 15)
    const { rotation: details } = authorizeNodeKey(keys, nodeKey(16), bytesOf(trimmed))
    assert.ok(!details?.previousNodeKeys.includes(nodeKey(2)))
  })

  test('Q46: says so when nothing can be left out', () => {
    const chain = rotation(nodeKey(16), chainOf(root, 15), own, lockKey(3))
    assert.throws(() => trimRotations(chain, lockKey(3)), refusal('signature-too-deep'))
  })
})
