// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { toHex } from '@signet/codec'
import {
  authorizeNodeKey,
  decodeNodeKeySignature,
  encodeNodeKeySignature,
  filterNetmap,
  nodeKeySigHash,
  TkaError,
  type LockPeer,
  type NodeKeySignature,
  type PeerVerdict,
} from '../src/index.ts'
import {
  bytesOf,
  credential,
  direct,
  lockKey,
  nodeKey,
  rotation,
  trust,
} from './support/node-signatures.ts'

const field = fc.option(fc.uint8Array({ minLength: 1, maxLength: 70 }))
const anySignature: fc.Arbitrary<NodeKeySignature> = fc.letrec<{ signature: NodeKeySignature }>(
  (tie) => ({
    signature: fc.record(
      {
        sigKind: fc.integer({ min: 0, max: 255 }),
        pubkey: field,
        keyId: field,
        signature: field,
        nested: fc.option(tie('signature'), { maxDepth: 6 }),
        wrappingPubkey: field,
      },
      { noNullPrototype: true },
    ),
  }),
).signature

test('decodeNodeKeySignature() gives back what was encoded', () => {
  fc.assert(
    fc.property(anySignature, (signature) => {
      assert.deepEqual(decodeNodeKeySignature(encodeNodeKeySignature(signature)), signature)
    }),
    { numRuns: 200 },
  )
})

test('nodeKeySigHash() covers every field but the signature', () => {
  fc.assert(
    fc.property(anySignature, anySignature, (one, other) => {
      const bare = (each: NodeKeySignature): string => toHex(bytesOf({ ...each, signature: null }))
      const isSame = bare(one) === bare(other)
      assert.equal(toHex(nodeKeySigHash(one)) === toHex(nodeKeySigHash(other)), isSame)
      const resigned = { ...one, signature: other.signature }
      assert.deepEqual(nodeKeySigHash(resigned), nodeKeySigHash(one))
    }),
    { numRuns: 100 },
  )
})

test('authorizeNodeKey() answers any bytes with a TkaError, and no flipped bit passes', () => {
  const trusted = lockKey(1)
  const wrapping = lockKey(2)
  const good = bytesOf(
    rotation(nodeKey(5), rotation(nodeKey(4), credential(trusted, wrapping), wrapping), wrapping),
  )
  const keys = trust(trusted)
  authorizeNodeKey(keys, nodeKey(5), good)
  const isRefusal = (error: unknown): boolean => error instanceof TkaError
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.throws(() => authorizeNodeKey(keys, nodeKey(5), bytes), isRefusal)
    }),
    { numRuns: 200 },
  )
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(7), (at, bit) => {
      const bytes = good.slice()
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
      assert.throws(() => authorizeNodeKey(keys, nodeKey(5), bytes), isRefusal)
    }),
    { numRuns: 60 },
  )
})

test('filterNetmap() does not depend on the order of peers, and keeps no obsolete key', () => {
  // Verdicts from a table: maths is not what this is about.
  const wrappingKeys = [lockKey(1), lockKey(2), lockKey(3)]
  const roots = wrappingKeys.map((wrapping) => direct(nodeKey(0), lockKey(9), wrapping))
  const anyPeer = fc.record({
    key: fc.nat(12),
    previous: fc.array(fc.nat(12), { maxLength: 4 }),
    root: fc.nat(3),
  })
  fc.assert(
    fc.property(fc.array(anyPeer, { maxLength: 14 }), fc.nat(), (described, turn) => {
      const verdicts = new Map<LockPeer, PeerVerdict>()
      const peers = described.map(({ key, previous, root }) => {
        const peer: LockPeer = { nodeKey: nodeKey(key), signature: Uint8Array.of(1) }
        const initialSignature = roots[root]
        const rotated = initialSignature && {
          previousNodeKeys: previous.map(nodeKey),
          initialSignature,
        }
        verdicts.set(peer, { ok: true, rotation: rotated ?? null })
        return peer
      })
      const judge = (peer: LockPeer): PeerVerdict =>
        verdicts.get(peer) ?? { ok: false, reason: 'unsigned' }
      const { kept, dropped } = filterNetmap(peers, judge)
      assert.equal(kept.length + dropped.length, peers.length)
      const at = peers.length === 0 ? 0 : turn % peers.length
      const turned = [...peers.slice(at), ...peers.slice(0, at)].reverse()
      assert.deepEqual(new Set(filterNetmap(turned, judge).kept), new Set(kept))
      const replaced = new Set(
        described.flatMap(({ previous, root }) => (roots[root] ? previous.map(nodeKey) : [])),
      )
      assert.ok(kept.every((peer) => !replaced.has(peer.nodeKey)))
    }),
    { numRuns: 300 },
  )
})
