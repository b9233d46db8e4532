// SPDX-License-Identifier: Apache-2.0

/**
 * Tunnels of whole nodes over a memory network: what gets through, to whom, and what does not.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nodePublicOf } from '@signet/keys'
import { parseIp } from '@signet/wireguard'
import * as fc from 'fast-check'
import { encodeIcmpEcho } from '../src/tunnel/icmp.ts'
import { createMemoryDriver } from '../src/tunnel/memory-driver.ts'
import { encodeIpPacket } from '../src/tunnel/packet.ts'
import { encodeTsmpPing } from '../src/tunnel/tsmp.ts'
import { createTunnel } from '../src/tunnel/tunnel.ts'
import {
  createTunnelPair,
  createTunnelWorld,
  keyOf,
  OPEN,
  settleWith,
  type TunnelParty,
} from './support/tunnel-pair.ts'

const SECOND = 1_000
const ip = (text: string): Uint8Array => parseIp(text) ?? assert.fail(text)

function udpPacket(from: string, to: string, text: string): Uint8Array {
  const payload = new TextEncoder().encode(text)
  return encodeIpPacket({ protocol: 17, source: ip(from), destination: ip(to), payload })
}

/** Collects payloads of packets that reach a driver, as text. */
function listen(party: TunnelParty): string[] {
  const texts: string[] = []
  party.driver.onReceive((packet) => {
    const header = packet[0]! >> 4 === 4 ? 20 : 40
    texts.push(new TextDecoder().decode(packet.subarray(header)))
  })
  return texts
}

describe('ping()', () => {
  test('is answered in both families and of both kinds', async () => {
    const { a, b, clock } = createTunnelPair()
    for (const address of [b.ip4, b.ip6]) {
      for (const kind of ['ICMP', 'TSMP'] as const) {
        const result = await settleWith(clock, a.tunnel.ping(address, kind, 5 * SECOND))
        assert.equal(result.endpoint, b.socket.address)
        assert.ok(result.latencyMs >= 2, `${result.latencyMs} ms over two hops of one each`)
      }
    }
    assert.equal(b.driver.counters().rxPackets, 2, 'the driver sees ICMP and never TSMP')
    assert.equal(a.driver.counters().rxPackets, 0, 'answers to our own pings go no further')
  })

  test('fails in time when nobody answers', async () => {
    const { a, b, clock, network } = createTunnelPair()
    network.setRule(() => [])
    const ping = a.tunnel.ping(b.ip4, 'ICMP', 3 * SECOND)
    await assert.rejects(settleWith(clock, ping), { code: 'timeout' })
  })

  test('waits for a handshake that has to be tried again', async () => {
    const { a, b, clock, network } = createTunnelPair()
    network.setRule(({ sequence }) => (sequence === 0 ? [] : [1]))
    const result = await settleWith(clock, a.tunnel.ping(b.ip4, 'TSMP', 10 * SECOND))
    assert.ok(result.latencyMs > 5 * SECOND)
  })

  const rows: readonly [what: string, ip: string, code: string][] = [
    ['what is no address', 'localhost', 'bad-argument'],
    ['an empty text', '', 'bad-argument'],
    ['this node', '100.64.0.1', 'bad-argument'],
    ['an address that nobody has', '100.64.0.99', 'not-found'],
    ['an address outside of the tailnet', '192.0.2.2', 'not-found'],
  ]
  for (const [what, address, code] of rows) {
    test(`refuses ${what}`, async () => {
      const { a } = createTunnelPair()
      await assert.rejects(a.tunnel.ping(address, 'ICMP', SECOND), { code })
    })
  }

  test('refuses an address of a family that this node has none of', async () => {
    const { a, b } = createTunnelPair()
    a.tunnel.setSelf([a.ip4])
    await assert.rejects(a.tunnel.ping(b.ip6, 'ICMP', SECOND), { code: 'not-found' })
  })

  test('ends with the tunnel', async () => {
    const { a, b, network } = createTunnelPair()
    network.setRule(() => [])
    const ping = a.tunnel.ping(b.ip4, 'ICMP', 60 * SECOND)
    a.tunnel.close()
    await assert.rejects(ping, { code: 'closed' })
    await assert.rejects(a.tunnel.ping(b.ip4, 'ICMP', SECOND), { code: 'closed' })
  })

  test('is not answered by what another peer makes up', async () => {
    const { a, b, clock, party, network } = createTunnelPair()
    const c = party('c', 3)
    a.tunnel.setPeers([b.peer(), c.peer()])
    c.tunnel.setPeers([a.peer()])
    let seen: Uint8Array | null = null
    // B never hears A, but C somehow learns the ping and answers it, from its own address.
    network.setRule(({ to }) => (to === b.socket.address ? [] : [1]))
    const data = new Uint8Array(8)
    const ping = a.tunnel.ping(b.ip4, 'ICMP', 2 * SECOND)
    c.driver.send(encodeIcmpEcho(ip(c.ip4), ip(a.ip4), { kind: 'reply', id: 1, sequence: 1, data }))
    a.driver.onReceive((packet) => {
      seen = packet
    })
    await assert.rejects(settleWith(clock, ping), { code: 'timeout' })
    assert.ok(seen, 'an echo reply that nobody waits for is an ordinary packet')
  })
})

describe('setPeers()', () => {
  test('ends the sessions of a peer that is gone, at once', async () => {
    const { a, b, clock } = createTunnelPair()
    await settleWith(clock, a.tunnel.ping(b.ip4, 'ICMP', SECOND))
    const heard = listen(b)
    b.tunnel.setPeers([])
    a.driver.send(udpPacket(a.ip4, b.ip4, 'into the void'))
    clock.advance(30 * SECOND)
    assert.deepEqual(heard, [])
    assert.equal(b.tunnel.stats(nodePublicOf(a.key)), undefined)
    assert.ok((b.tunnel.dropped()['unknown-peer'] ?? 0) > 0)
    await assert.rejects(b.tunnel.ping(a.ip4, 'ICMP', SECOND), { code: 'not-found' })
  })

  test('keeps the sessions of peers that stay, whatever else changes', async () => {
    const { a, b, clock, network, party } = createTunnelPair()
    await settleWith(clock, a.tunnel.ping(b.ip4, 'ICMP', SECOND))
    network.clearSent()
    const c = party('c', 3)
    a.tunnel.setPeers([c.peer(), b.peer({ endpoints: ['203.0.113.9:9', b.socket.address] })])
    await settleWith(clock, a.tunnel.ping(b.ip4, 'ICMP', SECOND))
    assert.equal(network.sent.filter(({ datagram }) => datagram.length === 148).length, 0)
  })

  test('takes a changed node key as another peer', async () => {
    const { a, b, clock, network } = createTunnelPair()
    await settleWith(clock, a.tunnel.ping(b.ip4, 'ICMP', SECOND))
    network.clearSent()
    const heard = listen(b)
    a.tunnel.setPeers([b.peer({ nodeKey: nodePublicOf(keyOf('somebody else')) })])
    assert.equal(a.tunnel.stats(nodePublicOf(b.key)), undefined)
    a.driver.send(udpPacket(a.ip4, b.ip4, 'for the new key only'))
    clock.advance(20 * SECOND)
    assert.deepEqual(heard, [], 'the old key holder reads nothing')
    assert.ok((b.tunnel.dropped()['bad-mac1'] ?? 0) > 0)
  })

  test('does not let a peer answer that was never admitted', async () => {
    const { clock, party } = createTunnelWorld()
    const a = party('a', 1)
    const stranger = party('stranger', 2)
    stranger.tunnel.setPeers([a.peer()])
    const ping = stranger.tunnel.ping(a.ip4, 'TSMP', 30 * SECOND)
    await assert.rejects(settleWith(clock, ping), { code: 'timeout' })
    assert.ok((a.tunnel.dropped()['unknown-peer'] ?? 0) >= 5)
    assert.equal(a.driver.counters().rxPackets, 0)
  })

  test('changes the addresses of a peer without a new session', async () => {
    const { a, b, clock, network } = createTunnelPair()
    await settleWith(clock, a.tunnel.ping(b.ip4, 'ICMP', SECOND))
    network.clearSent()
    a.tunnel.setPeers([b.peer({ allowedIps: [b.ip6] })])
    await assert.rejects(a.tunnel.ping(b.ip4, 'ICMP', SECOND), { code: 'not-found' })
    await settleWith(clock, a.tunnel.ping(b.ip6, 'ICMP', SECOND))
    assert.equal(network.sent.filter(({ datagram }) => datagram.length === 148).length, 0)
    b.driver.send(udpPacket(b.ip4, a.ip4, 'from the address that was taken away'))
    clock.advance(10)
    assert.equal(a.tunnel.dropped()['source-not-allowed'], 1)
  })

  test('passes over what cannot be read in a peer', async () => {
    const { a, b, clock, network } = createTunnelPair()
    a.tunnel.setPeers([
      b.peer({
        allowedIps: ['', 'x', '1.2.3.4/99', b.ip4, '::/129'],
        endpoints: [
          '',
          'example.com:80',
          '1.2.3.4',
          '1.2.3.4:0',
          '1.2.3.4:70000',
          b.socket.address,
        ],
      }),
    ])
    await settleWith(clock, a.tunnel.ping(b.ip4, 'ICMP', SECOND))
    assert.ok(
      network.sent.every(({ from, to }) => {
        return [a.socket.address, b.socket.address].includes(to) && from !== to
      }),
    )
  })

  test('never makes this node its own peer', () => {
    const { a } = createTunnelPair()
    a.tunnel.setPeers([a.peer()])
    assert.equal(a.tunnel.stats(nodePublicOf(a.key)), undefined)
  })

  test('starts anew with a peer that restarted: its disco key changed', async () => {
    const { a, b, clock, network } = createTunnelPair()
    a.tunnel.setPeers([b.peer({ discoKey: 'discokey:1' })])
    await settleWith(clock, a.tunnel.ping(b.ip4, 'ICMP', SECOND))
    clock.advance(60 * SECOND)
    network.clearSent()
    a.tunnel.setPeers([b.peer({ discoKey: 'discokey:2' })])
    await settleWith(clock, a.tunnel.ping(b.ip4, 'ICMP', SECOND))
    const initiations = (): number =>
      network.sent.filter(({ datagram }) => datagram.length === 148).length
    assert.equal(initiations(), 1)
    // A session made just now may be with the restarted peer already: it is kept, and renewed.
    network.clearSent()
    a.tunnel.setPeers([b.peer({ discoKey: 'discokey:3' })])
    assert.equal(a.tunnel.stats(nodePublicOf(b.key))?.hasSession, true)
    await settleWith(clock, a.tunnel.ping(b.ip4, 'ICMP', SECOND))
    assert.equal(initiations(), 1)
  })

  test('starts anew at once with a peer that restarted at another address', async () => {
    const { a, b, clock } = createTunnelPair()
    a.tunnel.setPeers([b.peer({ discoKey: 'discokey:1' })])
    await settleWith(clock, a.tunnel.ping(b.ip4, 'ICMP', SECOND))
    a.tunnel.setPeers([b.peer({ discoKey: 'discokey:2', endpoints: ['192.0.2.1:1'] })])
    assert.equal(a.tunnel.stats(nodePublicOf(b.key))?.hasSession, false)
  })
})

describe('the filter of a tunnel', () => {
  test('has the last word on what comes in and on what goes out', () => {
    const world = createTunnelWorld()
    let isOpen = false
    const a = world.party('a', 1)
    const b = world.party('b', 2, { admits: () => isOpen, sends: () => isOpen })
    a.tunnel.setPeers([b.peer()])
    b.tunnel.setPeers([a.peer()])
    const [heardByA, heardByB] = [listen(a), listen(b)]
    const exchange = (text: string): void => {
      a.driver.send(udpPacket(a.ip4, b.ip4, text))
      b.driver.send(udpPacket(b.ip4, a.ip4, text))
      world.clock.advance(10)
    }
    exchange('closed')
    assert.deepEqual([heardByA, heardByB], [[], []])
    assert.equal(b.tunnel.dropped()['filtered'], 1)
    assert.equal(b.tunnel.dropped()['not-sendable'], 1)
    isOpen = true
    exchange('open')
    assert.deepEqual([heardByA, heardByB], [['open'], ['open']])
  })
})

describe('packets from peers', () => {
  test('reach the driver only when they are for this node', () => {
    const { a, b, clock } = createTunnelPair()
    // A believes that B also has another address; B does not.
    a.tunnel.setPeers([b.peer({ allowedIps: [b.ip4, b.ip6, '100.64.0.50'] })])
    const heard = listen(b)
    a.driver.send(udpPacket(a.ip4, b.ip4, 'mine'))
    a.driver.send(udpPacket(a.ip4, '100.64.0.50', 'not mine'))
    clock.advance(10)
    assert.deepEqual(heard, ['mine'])
    assert.equal(b.tunnel.dropped()['not-our-address'], 1)
    b.tunnel.setSelf([b.ip4, '100.64.0.50'])
    a.driver.send(udpPacket(a.ip4, '100.64.0.50', 'mine by now'))
    clock.advance(10)
    assert.deepEqual(heard, ['mine', 'mine by now'])
  })

  test('may not bear the address of another peer', () => {
    const { a, b, clock, party } = createTunnelPair()
    const c = party('c', 3)
    b.tunnel.setPeers([a.peer(), c.peer()])
    const heard = listen(b)
    a.driver.send(udpPacket(c.ip4, b.ip4, 'I am C'))
    a.driver.send(udpPacket(b.ip4, b.ip4, 'I am you'))
    a.driver.send(udpPacket('8.8.8.8', b.ip4, 'I am the internet'))
    a.driver.send(udpPacket(a.ip4, b.ip4, 'I am A'))
    clock.advance(10)
    assert.deepEqual(heard, ['I am A'])
    assert.equal(b.tunnel.dropped()['source-not-allowed'], 3)
  })

  test('of TSMP that make no sense go nowhere', () => {
    const { a, b, clock } = createTunnelPair()
    const heard = listen(b)
    const pair = { source: ip(a.ip4), destination: ip(b.ip4) }
    for (const payload of [[], [0x70], [0x21, 1], [0x61], [0x7a, 1, 2]]) {
      a.driver.send(encodeIpPacket({ protocol: 99, ...pair, payload: Uint8Array.from(payload) }))
    }
    // A ping for an address that is not B's gets no answer either.
    a.tunnel.setPeers([b.peer({ allowedIps: [b.ip4, '100.64.0.50'] })])
    a.driver.send(encodeTsmpPing(ip(a.ip4), ip('100.64.0.50'), new Uint8Array(8)))
    clock.advance(10)
    assert.deepEqual(heard, [])
    assert.equal(a.driver.counters().rxPackets, 0)
    assert.equal(b.tunnel.dropped()['bad-tsmp'], 4)
    assert.equal(b.tunnel.dropped()['not-our-address'], 1)
  })
})

test('whatever a peer puts into the tunnel, nothing throws and the next packet arrives', () => {
  const { a, b, clock } = createTunnelPair()
  const heard = listen(b)
  const source = ip(a.ip4)
  const destination = ip(b.ip4)
  const protocols = fc.constantFrom(1, 6, 17, 58, 99, 0, 255)
  const payloads = fc.uint8Array({ maxLength: 60 })
  const flips = fc.array(fc.tuple(fc.nat(79), fc.nat(255)), { maxLength: 3 })
  fc.assert(
    fc.property(protocols, payloads, flips, (protocol, payload, changes) => {
      const packet = encodeIpPacket({ protocol, source, destination, payload })
      for (const [at, value] of changes) if (at < packet.length) packet[at] = value
      a.driver.send(packet)
      clock.advance(2)
    }),
    { numRuns: 300 },
  )
  a.driver.send(udpPacket(a.ip4, b.ip4, 'and then'))
  clock.advance(10)
  assert.equal(heard.at(-1), 'and then')
})

describe('sendRaw()', () => {
  test('says whether the packet had somewhere to go', () => {
    const { a, b, clock } = createTunnelPair()
    const heard = listen(b)
    assert.equal(a.tunnel.sendRaw(udpPacket(a.ip4, b.ip4, 'x')), true)
    assert.equal(a.tunnel.sendRaw(udpPacket(a.ip4, '100.64.0.99', 'x')), false)
    assert.equal(a.tunnel.sendRaw(new Uint8Array(0)), false)
    assert.equal(a.tunnel.sendRaw(Uint8Array.of(0x45)), false)
    clock.advance(10)
    assert.deepEqual(heard, ['x'])
  })

  test('asks to wait while datagrams pile up, and sends nothing then', () => {
    const { a, b, clock } = createTunnelPair()
    let congested = true
    const sent: string[] = []
    const tunnel = createTunnel({
      nodeKey: keyOf('c'),
      addresses: ['100.64.0.3'],
      driver: createMemoryDriver(),
      filter: OPEN,
      clock,
      udp: {
        send: (_datagram, endpoint) => void sent.push(endpoint),
        onDatagram: () => {},
        localEndpoints: () => [],
        isCongested: () => congested,
      },
    })
    tunnel.setPeers([b.peer()])
    assert.equal(tunnel.sendRaw(udpPacket('100.64.0.3', b.ip4, 'x')), false)
    assert.deepEqual(sent, [])
    congested = false
    assert.equal(tunnel.sendRaw(udpPacket('100.64.0.3', b.ip4, 'x')), true)
    assert.deepEqual(sent, [b.socket.address])
    tunnel.close()
    a.tunnel.close()
  })

  test('carries on through rekeying, and timers tick without traffic', () => {
    const { a, b, clock } = createTunnelPair()
    const heard = listen(b)
    for (let i = 0; i < 500; i++) {
      clock.advance(SECOND)
      a.tunnel.sendRaw(udpPacket(a.ip4, b.ip4, String(i)))
    }
    clock.advance(10)
    assert.equal(heard.length, 500)
    clock.advance(600 * SECOND)
    assert.equal(a.tunnel.stats(nodePublicOf(b.key))?.hasSession, false)
    assert.equal(clock.waiting(), 0, 'nothing is left to wait for')
  })
})

describe('stats()', () => {
  test('counts both directions and names the path', async () => {
    const { a, b, clock } = createTunnelPair()
    const key = nodePublicOf(b.key)
    assert.deepEqual(a.tunnel.stats(key), {
      endpoint: null,
      rxBytes: 0,
      txBytes: 0,
      lastHandshake: null,
      hasSession: false,
    })
    await settleWith(clock, a.tunnel.ping(b.ip4, 'ICMP', SECOND))
    const stats = a.tunnel.stats(key)
    assert.ok(stats)
    // Initiation and sealed ping out; response and sealed answer in.
    assert.equal(stats.txBytes, 148 + 32 + 48)
    assert.equal(stats.rxBytes, 92 + 32 + 48)
    assert.equal(stats.endpoint, b.socket.address)
    assert.equal(stats.hasSession, true)
    assert.ok(stats.lastHandshake !== null && clock.now() - stats.lastHandshake < 10)
    assert.equal(a.tunnel.peerOf(b.ip6), key)
    assert.equal(a.tunnel.peerOf('100.64.0.99'), undefined)
  })
})
