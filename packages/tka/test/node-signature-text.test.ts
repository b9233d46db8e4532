// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EMPTY_NODE_KEY_SIGNATURE, nodeKeySignatureText, sigKindText } from '../src/index.ts'
import { direct, lockKey, nodeKey, rotation } from './support/node-signatures.ts'

test('nodeKeySignatureText() shows what is there, nested further in', () => {
  const wrapping = lockKey(2)
  const signature = rotation(nodeKey(0x33), direct(nodeKey(0x44), lockKey(1), wrapping), wrapping)
  assert.equal(
    nodeKeySignatureText(signature),
    `SigKind: rotation
Pubkey: [MzMzM]
Nested:
  SigKind: direct
  Pubkey: [RERER]
  KeyID: tlpub:8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c
  WrappingPubkey: tlpub:8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394`,
  )
})

test('nodeKeySignatureText() shows odd keys as official software does', () => {
  const keyId = Uint8Array.of(0xab)
  const odd = { ...EMPTY_NODE_KEY_SIGNATURE, pubkey: Uint8Array.of(1, 2), keyId }
  assert.equal(
    nodeKeySignatureText(odd),
    `SigKind: invalid
Pubkey: <error: missing/incorrect type prefix np>
KeyID: tlpub:ab${'00'.repeat(31)}`,
  )
  const short = { ...EMPTY_NODE_KEY_SIGNATURE, pubkey: Uint8Array.of(0x6e, 0x70, 1) }
  assert.match(nodeKeySignatureText(short), /<error: incorrect len for NodePublic \(3 != 34\)>$/)
})

test('sigKindText() names every kind', () => {
  const names = [0, 1, 2, 3, 4, 255].map(sigKindText)
  assert.deepEqual(names, ['invalid', 'direct', 'rotation', 'credential', 'Sig?<4>', 'Sig?<255>'])
})
