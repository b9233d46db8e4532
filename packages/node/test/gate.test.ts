// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import test from 'node:test'
import {
  generateNodeKey,
  lockPublicFromBytes,
  lockPublicOf,
  nodePublicOf,
  zeroNodePublic,
} from '@signet/keys'
import type { ControlNode } from '@signet/protocol'
import {
  createCredential,
  createUpdateBuilder,
  decodeNodeKeySignature,
  EMPTY_NODE_KEY_SIGNATURE,
  encodeNodeKeySignature,
  informAuthority,
  nodeKeySigHash,
  SigKind,
  signByCredential,
} from '@signet/tka'
import { createGate, type GateInput, type GateLock } from '../src/lock/gate.ts'
import type { RefusalReason } from '../src/lock/refusal.ts'
import { openRotationMemory, type RotationMemory } from '../src/lock/rotation-memory.ts'
import { createVerdictCache } from '../src/lock/verdicts.ts'
import {
  rotatedNode,
  signedNode,
  testAuthority,
  testGenesis,
  testNode,
  testSigner,
} from './support/lock-fixture.ts'
import { createMemoryFiles, type MemoryFiles } from './support/memory-files.ts'

const admin = testSigner()
const second = testSigner()
const stranger = testSigner()
const { authority, store } = testAuthority(testGenesis([admin, second]))

function memoryOf(files: MemoryFiles = createMemoryFiles()): RotationMemory {
  return openRotationMemory(files, '/lock/rotations.json', { mustExist: false })
}

function locked(memory: RotationMemory = memoryOf()): GateLock {
  return { kind: 'locked', authority, memory }
}

function input(peers: readonly ControlNode[], lock: GateLock = locked()): GateInput {
  return { self: null, peers, lock, acceptRoutes: false }
}

/** The reason for each peer, '' for those let in. */
async function judge(peers: readonly ControlNode[], lock: GateLock = locked()): Promise<string[]> {
  const result = await createGate(createVerdictCache()).judge(input(peers, lock))
  const reasons = new Map<ControlNode, RefusalReason>(result.refused.map((r) => [r.node, r.reason]))
  assert.equal(result.admitted.length + result.refused.length, peers.length)
  return peers.map((peer) => reasons.get(peer) ?? '')
}

function withSignature(
  node: ControlNode,
  edit: (signature: Uint8Array) => Uint8Array,
): ControlNode {
  return { ...node, KeySignature: edit((node.KeySignature ?? new Uint8Array()).slice()) }
}

const own = testSigner()
const good = signedNode(admin, {}, own)
const other = signedNode(admin)
const smallOrderKey = new Uint8Array(32)

/** A rotation under 32 zero bytes, which official `lock sign` leaves behind; anybody can make one. */
function forgedRotation(): ControlNode {
  const victim = testNode()
  const nested = {
    ...EMPTY_NODE_KEY_SIGNATURE,
    sigKind: SigKind.Direct,
    pubkey: decodeNodeKeySignature(signedNode(admin, { Key: victim.Key }).KeySignature!).pubkey,
    keyId: admin.signer.keyId,
    wrappingPubkey: smallOrderKey,
  }
  const direct = { ...nested, signature: admin.signer.sign(nodeKeySigHash(nested)) }
  const thief = testNode()
  const rotation = {
    ...EMPTY_NODE_KEY_SIGNATURE,
    sigKind: SigKind.Rotation,
    pubkey: decodeNodeKeySignature(signedNode(admin, { Key: thief.Key }).KeySignature!).pubkey,
    nested: direct,
    signature: new Uint8Array(64),
  }
  return { ...thief, KeySignature: encodeNodeKeySignature(rotation) }
}

function credentialAlone(): ControlNode {
  const { signature } = createCredential(admin.signer, new Uint8Array(32).fill(3))
  return { ...testNode(), KeySignature: encodeNodeKeySignature(signature) }
}

const lies: readonly (readonly [string, ControlNode, RefusalReason])[] = [
  ['no signature', testNode(), 'unsigned'],
  ['an empty signature', { ...testNode(), KeySignature: new Uint8Array() }, 'unsigned'],
  ['no signature, marked peer-API-only', testNode({ UnsignedPeerAPIOnly: true }), 'unsigned'],
  [
    "another node's signature",
    { ...testNode(), KeySignature: other.KeySignature },
    'wrong-node-key',
  ],
  ['a signature by a stranger', signedNode(stranger), 'untrusted-key'],
  ['one flipped bit in the key id', withSignature(good, flip(60)), 'bad-signature'],
  ['one flipped bit in the ed25519 part', withSignature(good, flipSignature), 'bad-signature'],
  ['a cut signature', withSignature(good, (bytes) => bytes.subarray(0, -1)), 'malformed'],
  ['a byte behind the signature', withSignature(good, (b) => Uint8Array.of(...b, 0)), 'malformed'],
  ['garbage', { ...testNode(), KeySignature: Uint8Array.of(1, 2, 3) }, 'malformed'],
  ['8193 bytes', { ...testNode(), KeySignature: new Uint8Array(8193) }, 'too-large'],
  ['a credential alone', credentialAlone(), 'malformed'],
  ['a rotation by a stranger', rotatedNode(good, stranger), 'bad-signature'],
  ['a rotation under a small-order key', forgedRotation(), 'unsafe-wrapping-key'],
  ['no key', testNode({ Key: zeroNodePublic }), 'no-key'],
  ['an expired key', signedNode(admin, { Expired: true }), 'expired'],
]

function flip(at: number): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => bytes.map((byte, index) => (index === at ? byte ^ 0x80 : byte))
}

function flipSignature(bytes: Uint8Array): Uint8Array {
  const decoded = decodeNodeKeySignature(bytes)
  const signature = (decoded.signature ?? new Uint8Array()).map((b, i) => (i === 3 ? b ^ 1 : b))
  return encodeNodeKeySignature({ ...decoded, signature })
}

for (const [name, liar, reason] of lies) {
  test(`createGate() refuses a peer with ${name}, and nobody else`, async () => {
    assert.deepEqual(await judge([other, liar]), ['', reason])
  })

  test(`createGate() refuses a peer with ${name} also when it comes by a change`, async () => {
    const gate = createGate(createVerdictCache())
    const lock = locked()
    assert.equal((await gate.judge(input([other], lock))).admitted.length, 1)
    const after = await gate.judge(input([other, liar], lock))
    assert.deepEqual(
      after.admitted.map((peer) => peer.nodeKey),
      [other.Key],
    )
    assert.deepEqual(
      after.refused.map((peer) => peer.reason),
      [reason],
    )
  })
}

test('createGate() lets in direct signatures, rotations and wrapped keys', async () => {
  const credential = createCredential(admin.signer, new Uint8Array(32).fill(4))
  const joined = [1, 2].map(() => {
    const node = testNode()
    const mine = testSigner()
    const KeySignature = signByCredential({
      nodeKey: node.Key,
      credential,
      rotationPublic: lockPublicOf(mine.priv),
    })
    return { node: { ...node, KeySignature }, mine }
  })
  const peers = [
    other,
    signedNode(second),
    rotatedNode(rotatedNode(good, own), own),
    ...joined.map(({ node }) => node),
  ]
  assert.deepEqual(await judge(peers), ['', '', '', '', ''])
  // One of the two rotates: they share a credential and are different nodes all the same.
  const [a, b] = joined
  assert.deepEqual(await judge([rotatedNode(a!.node, a!.mine), b!.node]), ['', ''])
})

test('createGate() shows the tunnel what the server says, less what nobody wants', async () => {
  const peer = signedNode(admin, {
    Addresses: ['100.64.0.9/32', 'fd7a::9/128'],
    AllowedIPs: ['100.64.0.9/32', 'fd7a::9/128', '10.0.0.0/8', '0.0.0.0/0', '::/0'],
    Endpoints: ['192.0.2.1:41641'],
  })
  const gate = createGate(createVerdictCache())
  const without = await gate.judge(input([peer]))
  assert.deepEqual(without.admitted[0]?.allowedIps, ['100.64.0.9/32', 'fd7a::9/128'])
  assert.deepEqual(without.admitted[0].endpoints, ['192.0.2.1:41641'])
  assert.equal(without.admitted[0].name.endsWith('.'), false)
  const withRoutes = await gate.judge({ ...input([peer]), acceptRoutes: true })
  assert.deepEqual(withRoutes.admitted[0]?.allowedIps, [
    '100.64.0.9/32',
    'fd7a::9/128',
    '10.0.0.0/8',
  ])
})

test('createGate() takes no network for an address of a peer, wanted or not', async () => {
  const Addresses = ['100.64.0.9/32', '0.0.0.0/0', '0.0.0.0/1', '10.0.0.0/8', '::/0', 'fd7a::9/128']
  const gate = createGate(createVerdictCache())
  const own = ['100.64.0.9/32', 'fd7a::9/128']
  for (const AllowedIPs of [Addresses, undefined]) {
    const peer = signedNode(admin, { Addresses, ...(AllowedIPs && { AllowedIPs }) })
    if (AllowedIPs === undefined) delete (peer as { AllowedIPs?: unknown }).AllowedIPs
    const { admitted } = await gate.judge(input([peer]))
    assert.deepEqual(admitted[0]?.allowedIps, own)
  }
  const only = signedNode(admin, { UnsignedPeerAPIOnly: true, Addresses })
  assert.deepEqual((await gate.judge(input([only]))).admitted[0]?.allowedIps, own)
})

test('Q60: createGate() cuts a peer-API-only peer to its addresses even when it is signed', async () => {
  const peer = signedNode(admin, { UnsignedPeerAPIOnly: true, AllowedIPs: ['10.0.0.0/8'] })
  const result = await createGate(createVerdictCache()).judge({
    ...input([peer]),
    acceptRoutes: true,
  })
  assert.deepEqual(result.admitted[0]?.allowedIps, peer.Addresses)
})

test('createGate() refuses the second of two peers with one key, and our own key', async () => {
  const twin = { ...good, ID: 99, StableID: 'n99' }
  assert.deepEqual(await judge([good, twin]), ['', 'duplicate-key'])
  const self = signedNode(admin)
  const result = await createGate(createVerdictCache()).judge({ ...input([self]), self })
  assert.deepEqual(result.refused[0]?.reason, 'own-key')
})

test('createGate() lets everybody in without a lock, nobody when it is shut', async () => {
  assert.deepEqual(await judge([testNode(), good], { kind: 'open' }), ['', ''])
  assert.deepEqual(await judge([testNode(), good], { kind: 'closed' }), [
    'lock-closed',
    'lock-closed',
  ])
})

test('createGate() says of this node what its peers will say', async () => {
  const gate = createGate(createVerdictCache())
  const self = async (node: ControlNode, lock: GateLock = locked()): Promise<string | null> =>
    (await gate.judge({ ...input([], lock), self: node })).self
  assert.equal(await self(good), null)
  assert.equal(await self(testNode()), 'unsigned')
  assert.equal(await self(signedNode(stranger)), 'untrusted-key')
  assert.equal(await self(withSignature(good, flipSignature)), 'bad-signature')
  assert.equal(await self(testNode(), { kind: 'open' }), null)
  assert.equal(await self(good, { kind: 'closed' }), 'lock-closed')
})

test('Q50, Q52: createGate() refuses the old key of a rotation, in one map or by a change', async () => {
  const rotated = rotatedNode(good, own)
  assert.deepEqual(await judge([good, rotated]), ['obsolete-key', ''])
  const gate = createGate(createVerdictCache())
  const lock = locked()
  assert.equal((await gate.judge(input([rotated], lock))).admitted.length, 1)
  const replay = { ...good, ID: 77, StableID: 'n77' }
  const after = await gate.judge(input([rotated, replay], lock))
  assert.deepEqual(
    after.refused.map((peer) => peer.reason),
    ['obsolete-key'],
  )
})

test('Q50: createGate() keeps the longest of two chains, neither of two equally long ones', async () => {
  const one = rotatedNode(good, own)
  const two = rotatedNode(good, own)
  const longer = rotatedNode(one, own)
  assert.deepEqual(await judge([one, two]), ['rotation-tie', 'rotation-tie'])
  assert.deepEqual(await judge([two, longer]), ['shorter-rotation', ''])
})

test('createGate() refuses an old key when the newer signature is left out, after a restart too', async () => {
  const files = createMemoryFiles()
  const newer = rotatedNode(good, own)
  assert.deepEqual(await judge([newer], locked(memoryOf(files))), [''])
  assert.deepEqual(await judge([good], locked(memoryOf(files))), ['replaced-key'])
  assert.deepEqual(await judge([good], locked(memoryOf(files.restart('lost')))), ['replaced-key'])
  assert.deepEqual(await judge([newer], locked(memoryOf(files.restart('lost')))), [''])
})

test('createGate() refuses a shorter chain than the longest that it has seen', async () => {
  const files = createMemoryFiles()
  const shorter = rotatedNode(good, own)
  const longer = rotatedNode(rotatedNode(good, own), own)
  assert.deepEqual(await judge([longer], locked(memoryOf(files))), [''])
  assert.deepEqual(await judge([shorter], locked(memoryOf(files.restart('lost')))), [
    'older-rotation',
  ])
})

test('createGate() takes a fresh signature of the present key after many rotations', async () => {
  const memory = memoryOf()
  const worn = rotatedNode(rotatedNode(good, own), own)
  assert.deepEqual(await judge([worn], locked(memory)), [''])
  const renewed = signedNode(second, { Key: worn.Key }, own)
  assert.deepEqual(await judge([renewed], locked(memory)), [''])
  assert.deepEqual(await judge([rotatedNode(renewed, own)], locked(memory)), [''])
})

test('createGate() lets nobody be evicted by a signature that does not verify', async () => {
  const memory = memoryOf()
  assert.deepEqual(await judge([rotatedNode(good, stranger)], locked(memory)), ['bad-signature'])
  const byStranger = rotatedNode(signedNode(stranger, { Key: good.Key }, own), own)
  assert.deepEqual(await judge([byStranger, good], locked(memory)), ['untrusted-key', ''])
  assert.equal(memory.replacedBy(good.Key), undefined)
})

test('createGate() judges by the newest authority at once, without verifying again', async () => {
  const cache = createVerdictCache()
  const gate = createGate(cache)
  const peers = [signedNode(second), other]
  const memory = memoryOf()
  assert.equal((await gate.judge(input(peers, locked(memory)))).admitted.length, 2)
  const before = cache.stats().verified
  const builder = createUpdateBuilder(authority, [admin.signer])
  builder.removeKey(second.signer.keyId)
  const revoked = informAuthority(authority, store, builder.finish())
  const after = await gate.judge(input(peers, { kind: 'locked', authority: revoked, memory }))
  assert.deepEqual(
    after.refused.map(({ reason }) => reason),
    ['untrusted-key'],
  )
  assert.equal(cache.stats().verified, before)
})

test('createVerdictCache() verifies what is new, and only that', async () => {
  const cache = createVerdictCache()
  const gate = createGate(cache)
  const lock = locked()
  const peers = Array.from({ length: 300 }, () => signedNode(admin))
  await gate.judge(input(peers, lock))
  assert.deepEqual(cache.stats(), { verified: 300, exact: 0, kept: 300 })
  // Parsed anew: other objects, the same bytes.
  const again = peers.map((peer) => ({ ...peer, KeySignature: peer.KeySignature?.slice() }))
  assert.equal((await gate.judge(input(again, lock))).admitted.length, 300)
  assert.equal(cache.stats().verified, 300)
  await gate.judge(input([...again.slice(1), signedNode(admin)], lock))
  assert.equal(cache.stats().verified, 301)
})

test('createVerdictCache() stays within its bound, and gives up what the newest map has no use for', async () => {
  const cache = createVerdictCache(100)
  const gate = createGate(cache)
  const keep = Array.from({ length: 40 }, () => signedNode(admin))
  for (let round = 0; round < 5; round++) {
    await gate.judge(input([...keep, ...Array.from({ length: 40 }, () => signedNode(admin))]))
    assert.ok(cache.stats().kept <= 100)
  }
  const before = cache.stats().verified
  await gate.judge(input(keep))
  assert.equal(cache.stats().verified, before)
})

test('createVerdictCache() keeps few signatures of one key, so that lies do not push out truths', async () => {
  const cache = createVerdictCache()
  const gate = createGate(cache)
  for (let i = 0; i < 20; i++) {
    const liar = { ...good, KeySignature: Uint8Array.of(1, i) }
    assert.equal((await gate.judge(input([liar]))).admitted.length, 0)
  }
  assert.ok(cache.stats().kept <= 4)
  assert.equal((await gate.judge(input([good]))).admitted.length, 1)
})

test('createVerdictCache() bounds exact checks of forgeries, and never admits what it has not checked', async () => {
  const cache = createVerdictCache()
  const gate = createGate(cache)
  const lock = locked()
  const forged = Array.from({ length: 70 }, () => withSignature(signedNode(admin), flipSignature))
  const first = await gate.judge(input([good, ...forged], lock))
  assert.deepEqual(first.admitted.length, 1)
  assert.equal(cache.stats().exact, 64)
  const next = await gate.judge(input([good, ...forged], lock))
  assert.equal(cache.stats().exact, 70)
  assert.ok(next.refused.every(({ reason }) => reason === 'bad-signature'))
})

test('createGate() re-checks an unchanged map at least 100 times faster, without holding up the loop', async () => {
  const size = 1000
  const wrap = lockPublicFromBytes(own.signer.keyId)
  assert.equal(wrap, lockPublicOf(own.priv))
  const peers = Array.from({ length: size }, () => signedNode(admin, {}, own))
  const gate = createGate(createVerdictCache())
  const lock = locked()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const start = performance.now()
  assert.equal((await gate.judge(input(peers, lock))).admitted.length, size)
  const first = performance.now() - start
  delay.disable()
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 20; i++) {
    const again = peers.map((peer) => ({ ...peer, KeySignature: peer.KeySignature?.slice() }))
    const at = performance.now()
    await gate.judge(input(again, lock))
    best = Math.min(best, performance.now() - at)
  }
  assert.ok(best * 30 < first, `first ${first} ms, again ${best} ms`)
})

test('generated nodes have keys of their own', () => {
  assert.notEqual(nodePublicOf(generateNodeKey()), nodePublicOf(generateNodeKey()))
})

test('createGate() takes a peer with a hundred thousand addresses in its stride', async () => {
  const addresses = Array.from(
    { length: 100_000 },
    (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}/32`,
  )
  const peer = testNode({ Addresses: addresses, AllowedIPs: addresses.toReversed() })
  const begun = performance.now()
  const { admitted } = await createGate(createVerdictCache()).judge(input([peer], { kind: 'open' }))
  assert.equal(admitted[0]?.allowedIps.length, 100_000)
  // Searched for one by one it takes a minute.
  assert.ok(performance.now() - begun < 5_000)
})
