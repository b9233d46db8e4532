// SPDX-License-Identifier: Apache-2.0

/**
 * Discovery between nodes on a memory network: who is answered, who is not, and what passes through.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import {
  discoPrivateFromBytes,
  discoPublicOf,
  nodePublicOf,
  type DiscoPrivate,
  type NodePublic,
} from '@signet/keys'
import {
  decodeDiscoMessage,
  discoShared,
  encodeDiscoMessage,
  openDisco,
  sealDisco,
} from '@signet/disco'
import {
  createFakeClock,
  createMemoryNetwork,
  type FakeClock,
  type MemoryNetwork,
} from '@signet/testkit'
import type { AdmittedPeer } from '../src/lock/gate.ts'
import { createDiscovery, type Discovery } from '../src/paths/discovery.ts'
import { relayEndpoint } from '../src/paths/relay-endpoint.ts'
import { admittedPeer, keyOf, settleWith } from './support/tunnel-pair.ts'

interface Party {
  readonly discovery: Discovery
  readonly address: string
  readonly nodeKey: NodePublic
  readonly discoKey: DiscoPrivate
  peer(change?: Partial<AdmittedPeer>): AdmittedPeer
}

const discoKeyOf = (name: string): DiscoPrivate =>
  discoPrivateFromBytes(createHash('sha256').update(`disco ${name}`).digest())

function party(
  world: { network: MemoryNetwork; clock: FakeClock },
  name: string,
  n: number,
): Party {
  const address = `192.0.2.${n}:41641`
  const udp = world.network.open(address)
  const discoKey = discoKeyOf(name)
  let count = 0
  const random = (length: number): Uint8Array =>
    createHash('sha256').update(`${name} ${count++}`).digest().subarray(0, length)
  const discovery = createDiscovery({ udp, key: discoKey, clock: world.clock, random })
  const nodeKey = nodePublicOf(keyOf(name))
  return {
    discovery,
    address,
    nodeKey,
    discoKey,
    peer: (change) => ({
      ...admittedPeer({
        name,
        nodeKey,
        allowedIps: [],
        endpoints: [address],
        discoKey: discoPublicOf(discoKey),
      }),
      ...change,
    }),
  }
}

function createPair() {
  const clock = createFakeClock()
  const network = createMemoryNetwork(clock)
  const world = { clock, network }
  const a = party(world, 'a', 1)
  const b = party(world, 'b', 2)
  a.discovery.setPeers(a.nodeKey, [b.peer()])
  b.discovery.setPeers(b.nodeKey, [a.peer()])
  return { ...world, a, b }
}

const refused = (clock: FakeClock, a: Party, b: Party): Promise<void> =>
  assert.rejects(
    async () => await settleWith(clock, a.discovery.ping(b.nodeKey, 5_000) ?? assert.fail()),
    {
      code: 'timeout',
    },
  )

describe('createDiscovery()', () => {
  test('asks a peer at all its endpoints, and is answered from the one that is right', async () => {
    const { a, b, clock } = createPair()
    a.discovery.setPeers(a.nodeKey, [b.peer({ endpoints: ['nonsense', '192.0.2.9:1', b.address] })])
    const pong = await settleWith(clock, a.discovery.ping(b.nodeKey, 5_000) ?? assert.fail())
    assert.equal(pong.endpoint, b.address)
    assert.ok(pong.latencyMs > 0)
  })

  test('does not answer whom it has not admitted, nor one that was dropped', async () => {
    const { a, b, clock } = createPair()
    b.discovery.setPeers(b.nodeKey, [])
    await refused(clock, a, b)
  })

  test('does not answer a disco key under the node key of another', async () => {
    const { a, b, clock } = createPair()
    b.discovery.setPeers(b.nodeKey, [a.peer({ nodeKey: nodePublicOf(keyOf('c')) })])
    await refused(clock, a, b)
  })

  test('answers whose key another peer claims, before or after it in the map', async () => {
    const { a, b, clock } = createPair()
    const thief = a.peer({ nodeKey: nodePublicOf(keyOf('c')) })
    for (const peers of [
      [thief, a.peer()],
      [a.peer(), thief],
    ]) {
      b.discovery.setPeers(b.nodeKey, peers)
      const pong = await settleWith(clock, a.discovery.ping(b.nodeKey, 5_000)!)
      assert.equal(pong.endpoint, b.address)
    }
  })

  test('takes the answer to a question from whom it was for, and from no other peer', async () => {
    const { a, b, clock, network } = createPair()
    const c = party({ clock, network }, 'c', 3)
    a.discovery.setPeers(a.nodeKey, [b.peer({ endpoints: ['192.0.2.9:1'] }), c.peer()])
    const asked = a.discovery.ping(b.nodeKey, 5_000) ?? assert.fail()
    // B has told C what it was asked.
    const question = network.sent.at(-1)?.datagram ?? assert.fail()
    const opened = openDisco(discoShared(b.discoKey, discoPublicOf(a.discoKey)), question)
    const ping = decodeDiscoMessage(opened)
    assert.ok(ping.type === 'ping')
    const pong = encodeDiscoMessage({
      type: 'pong',
      transaction: ping.transaction,
      source: { address: Uint8Array.of(192, 0, 2, 1), port: 41_641 },
    })
    const shared = discoShared(c.discoKey, discoPublicOf(a.discoKey))
    c.discovery.send(sealDisco(c.discoKey, shared, new Uint8Array(24), pong), a.address)
    await assert.rejects(settleWith(clock, asked), { code: 'timeout' })
  })

  test('answers what comes by a relay only from the node whose disco key it is', () => {
    const { a, b, clock, network } = createPair()
    const nodeC = nodePublicOf(keyOf('c'))
    b.discovery.setPeers(b.nodeKey, [
      a.peer(),
      admittedPeer({ ...a.peer(), nodeKey: nodeC, discoKey: '' }),
    ])
    const shared = discoShared(a.discoKey, discoPublicOf(b.discoKey))
    const transaction = new Uint8Array(12)
    const ping = encodeDiscoMessage({ type: 'ping', transaction, nodeKey: a.nodeKey, padding: 0 })
    const answers: string[] = []
    for (const nodeKey of [nodeC, a.nodeKey]) {
      const wire = network.open(relayEndpoint(nodeKey))
      wire.onDatagram(() => answers.push(nodeKey))
      wire.send(sealDisco(a.discoKey, shared, new Uint8Array(24), ping), b.address)
    }
    clock.advance(1_000)
    assert.deepEqual(answers, [a.nodeKey])
  })

  test('takes an answer only from whom it asked', async () => {
    const { a, b, clock, network } = createPair()
    const c = party({ clock, network }, 'c', 3)
    // The server names the third party's endpoint for b; it answers whatever it is asked.
    a.discovery.setPeers(a.nodeKey, [b.peer({ endpoints: [c.address] }), c.peer()])
    c.discovery.setPeers(c.nodeKey, [a.peer()])
    await refused(clock, a, b)
  })

  test('passes on what is no discovery, and swallows what is', () => {
    const { a, b, clock } = createPair()
    const seen: number[] = []
    b.discovery.onDatagram(([first = 0]) => seen.push(first))
    const shared = discoShared(a.discoKey, discoPublicOf(b.discoKey))
    const message = encodeDiscoMessage({ type: 'call-me-maybe', endpoints: [] })
    const packet = sealDisco(a.discoKey, shared, new Uint8Array(24), message)
    for (const datagram of [Uint8Array.of(4, 0, 0, 0), packet, packet.subarray(0, 61)]) {
      a.discovery.send(Uint8Array.from(datagram), b.address)
    }
    clock.advance(1_000)
    assert.deepEqual(seen, [4, 0x54])
  })

  test('has no question for one without a disco key', () => {
    const { a, b } = createPair()
    const zero = `discokey:${'0'.repeat(64)}`
    for (const discoKey of ['', zero]) {
      a.discovery.setPeers(a.nodeKey, [b.peer({ discoKey })])
      assert.equal(a.discovery.ping(b.nodeKey, 5_000), undefined, discoKey)
    }
  })
})
