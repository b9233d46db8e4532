// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import test from 'node:test'
import type { ControlNode } from '@signet/protocol'
import { createGate, type GateInput } from '../src/lock/gate.ts'
import {
  isJudgedAlike,
  isShownAlike,
  type JudgedNode,
  type ShownNode,
} from '../src/lock/same-peer.ts'
import { createVerdictCache } from '../src/lock/verdicts.ts'
import {
  signedNode,
  testAuthority,
  testGenesis,
  testNode,
  testSigner,
} from './support/lock-fixture.ts'

const signer = testSigner()
const { authority } = testAuthority(testGenesis([signer]))
const memory = {
  replacedBy: () => undefined,
  longest: () => 0,
  learn: () => undefined,
  forgive: () => false,
}
const base: ControlNode = signedNode(signer, {
  Name: 'a.example.',
  DiscoKey: `discokey:${'1'.repeat(64)}` as NonNullable<ControlNode['DiscoKey']>,
  Addresses: ['100.64.0.7/32'],
  AllowedIPs: ['100.64.0.7/32'],
  Endpoints: ['192.0.2.1:1'],
})
const stranger = testNode()

/** One change of each field, each to be noticed. */
const judged: { readonly [Field in keyof Required<JudgedNode>]: JudgedNode[Field] } = {
  Key: stranger.Key,
  KeySignature: base.KeySignature?.map((byte, index) => (index === 80 ? byte ^ 1 : byte)),
  Expired: true,
}
const shown: { readonly [Field in keyof Required<Omit<ShownNode, 'Key'>>]: ShownNode[Field] } = {
  ID: 12_345,
  StableID: 'other',
  Name: 'b.example.',
  DiscoKey: `discokey:${'2'.repeat(64)}` as NonNullable<ControlNode['DiscoKey']>,
  Addresses: ['100.64.0.8/32'],
  AllowedIPs: ['100.64.0.7/32', '10.0.0.0/8'],
  Endpoints: ['192.0.2.1:2'],
  HomeDERP: 999,
  UnsignedPeerAPIOnly: true,
}

function parsedAnew(node: ControlNode): ControlNode {
  return {
    ...node,
    KeySignature: node.KeySignature?.slice(),
    Addresses: [...(node.Addresses ?? [])],
    AllowedIPs: [...(node.AllowedIPs ?? [])],
    Endpoints: [...(node.Endpoints ?? [])],
  }
}

function input(peers: readonly ControlNode[], self: ControlNode | null = null): GateInput {
  return { self, peers, lock: { kind: 'locked', authority, memory }, acceptRoutes: true }
}

test('isJudgedAlike() notices a change of every field that a judgement depends on', () => {
  assert.ok(isJudgedAlike(base, parsedAnew(base)))
  for (const [field, value] of Object.entries(judged)) {
    assert.equal(isJudgedAlike(base, { ...base, [field]: value }), false, field)
    assert.equal(isJudgedAlike({ ...base, [field]: value }, base), false, field)
  }
  const { KeySignature: _, ...unsigned } = base
  assert.equal(isJudgedAlike(base, unsigned), false)
  assert.equal(isJudgedAlike(unsigned, base), false)
})

test('isShownAlike() notices a change of every field that the tunnel is shown', () => {
  assert.ok(isShownAlike(base, parsedAnew(base)))
  for (const [field, value] of Object.entries(shown)) {
    assert.equal(isShownAlike(base, { ...base, [field]: value }), false, field)
    assert.equal(isShownAlike({ ...base, [field]: value }, base), false, field)
  }
})

test('createGate() hands on the same peer for the same node parsed anew, another for a changed one', async () => {
  const gate = createGate(createVerdictCache())
  const [first] = (await gate.judge(input([base]))).admitted
  assert.equal((await gate.judge(input([parsedAnew(base)]))).admitted[0], first)
  const moved = { ...parsedAnew(base), Endpoints: ['192.0.2.9:9'] }
  const [second] = (await gate.judge(input([moved]))).admitted
  assert.notEqual(second, first)
  assert.deepEqual(second?.endpoints, ['192.0.2.9:9'])
})

test('createGate() keeps the peers of a map that others joined, left, or that was shuffled', async () => {
  const gate = createGate(createVerdictCache())
  const nodes = Array.from({ length: 12 }, () => signedNode(signer))
  const peersOf = async (list: readonly ControlNode[]): Promise<Map<string, object>> => {
    const { admitted } = await gate.judge(input(list.map(parsedAnew)))
    assert.deepEqual(
      admitted.map(({ nodeKey, id }) => [nodeKey, id]),
      list.map(({ Key, ID }) => [Key, ID]),
    )
    return new Map(admitted.map((peer) => [peer.nodeKey, peer]))
  }
  const before = await peersOf(nodes)
  const fewer = nodes.filter((_, index) => index !== 0 && index !== 5)
  const after = await peersOf(fewer)
  for (const [key, peer] of after) assert.equal(peer, before.get(key))
  await peersOf([signedNode(signer), ...fewer])
  await peersOf(fewer.toReversed())
})

test('createGate() judges anew when a signature changes, and refuses with the new node', async () => {
  const gate = createGate(createVerdictCache())
  const other = signedNode(signer)
  assert.equal((await gate.judge(input([base, other]))).refused.length, 0)
  const liar = { ...parsedAnew(base), KeySignature: judged.KeySignature }
  const after = await gate.judge(input([liar, parsedAnew(other)]))
  assert.deepEqual(after.refused, [{ node: liar, reason: 'bad-signature' }])
  // What is refused stays refused, and is shown as the newest map has it.
  const again = { ...parsedAnew(liar), Name: 'renamed.example.' }
  const still = await gate.judge(input([again, other]))
  assert.equal(still.refused[0]?.node, again)
  assert.equal(still.refused[0].reason, 'bad-signature')
  assert.equal((await gate.judge(input([base, other]))).refused.length, 0)
})

test('createGate() judges anew when this node, the lock or the order changes', async () => {
  const gate = createGate(createVerdictCache())
  const other = signedNode(signer)
  assert.equal((await gate.judge(input([base, other]))).refused.length, 0)
  const asOther = await gate.judge(input([base, other], other))
  assert.deepEqual(asOther.refused, [{ node: other, reason: 'own-key' }])
  const twins = await gate.judge(input([base, parsedAnew(base)]))
  assert.deepEqual(
    twins.refused.map(({ reason }) => reason),
    ['duplicate-key'],
  )
  const closed = await gate.judge({ ...input([base, other]), lock: { kind: 'closed' } })
  assert.equal(closed.admitted.length, 0)
  assert.equal((await gate.judge(input([other, base]))).admitted[0]?.nodeKey, other.Key)
})

test('createGate() keeps nothing of a judgement that failed', async () => {
  const gate = createGate(createVerdictCache())
  let fails = false
  const failing = {
    ...memory,
    learn: () => {
      if (fails) throw new Error('disk full')
    },
  }
  const lock = { kind: 'locked', authority, memory: failing } as const
  const other = signedNode(signer)
  await gate.judge({ ...input([base]), lock })
  fails = true
  await assert.rejects(gate.judge({ ...input([base, other]), lock }))
  await assert.rejects(gate.judge({ ...input([parsedAnew(base)]), lock }))
})
