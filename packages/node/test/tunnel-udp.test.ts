// SPDX-License-Identifier: Apache-2.0

/**
 * Two tunnels over real sockets on the loopback interface.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodePublicOf } from '@signet/keys'
import { openUdp, type Udp } from '../src/paths/udp.ts'
import { createMemoryDriver, type MemoryDriver } from '../src/tunnel/memory-driver.ts'
import { encodeIpPacket } from '../src/tunnel/packet.ts'
import { createTunnel, type Tunnel } from '../src/tunnel/tunnel.ts'
import { admittedPeer, keyOf, OPEN } from './support/tunnel-pair.ts'

interface Node extends Disposable {
  readonly tunnel: Tunnel
  readonly driver: MemoryDriver
  readonly address: string
}

function startTunnel(name: string, address: string, udp: Udp): Node {
  const driver = createMemoryDriver()
  const tunnel = createTunnel({
    nodeKey: keyOf(name),
    addresses: [address],
    driver,
    udp,
    filter: OPEN,
  })
  return { tunnel, driver, address, [Symbol.dispose]: () => tunnel.close() }
}

function peerOf(name: string, node: Node): ReturnType<typeof admittedPeer> {
  return admittedPeer({
    name,
    nodeKey: nodePublicOf(keyOf(name)),
    allowedIps: [`${node.address}/32`],
    endpoints: node.tunnel.localEndpoints(),
  })
}

test('tunnels over loopback ping each other and carry a thousand packets', async () => {
  await using udpA = await openUdp({ bind: '127.0.0.1' })
  await using udpB = await openUdp({ bind: '127.0.0.1' })
  using a = startTunnel('a', '100.64.0.1', udpA)
  using b = startTunnel('b', '100.64.0.2', udpB)
  a.tunnel.setPeers([peerOf('b', b)])
  b.tunnel.setPeers([peerOf('a', a)])

  const results = await Promise.all([
    a.tunnel.ping(b.address, 'ICMP', 5_000),
    a.tunnel.ping(b.address, 'TSMP', 5_000),
    b.tunnel.ping(a.address, 'ICMP', 5_000),
  ])
  assert.deepEqual(
    results.map(({ endpoint }) => endpoint),
    [`127.0.0.1:${udpB.port}`, `127.0.0.1:${udpB.port}`, `127.0.0.1:${udpA.port}`],
  )

  const packet = encodeIpPacket({
    protocol: 17,
    source: Uint8Array.of(100, 64, 0, 1),
    destination: Uint8Array.of(100, 64, 0, 2),
    payload: new Uint8Array(1200),
  })
  const received = new Promise<void>((resolve) => {
    let count = 0
    b.driver.onReceive(({ length }) => {
      assert.equal(length, 1220)
      count += 1
      if (count === 1000) resolve()
    })
  })
  for (let i = 0; i < 1000; i++) {
    while (!a.tunnel.sendRaw(packet)) await new Promise(setImmediate)
    // Loopback drops what a receiver in the same process gets no turn to take.
    if (i % 20 === 19) await new Promise(setImmediate)
  }
  await received
})

test('tunnels bound to every address find each other through any of them', async () => {
  await using udpA = await openUdp()
  await using udpB = await openUdp()
  using a = startTunnel('a', '100.64.0.1', udpA)
  using b = startTunnel('b', '100.64.0.2', udpB)
  assert.ok(a.tunnel.localEndpoints().length > 0)
  a.tunnel.setPeers([peerOf('b', b)])
  b.tunnel.setPeers([peerOf('a', a)])
  const { endpoint } = await a.tunnel.ping(b.address, 'TSMP', 5_000)
  assert.ok(endpoint.endsWith(`:${udpB.port}`))
})

test('a tunnel that moves to another port is followed', async () => {
  await using udpB = await openUdp({ bind: '127.0.0.1' })
  await using first = await openUdp({ bind: '127.0.0.1' })
  await using second = await openUdp({ bind: '127.0.0.1' })
  let current = first
  let handler: (datagram: Uint8Array, endpoint: string) => void = () => {}
  for (const udp of [first, second]) udp.onDatagram((...args) => handler(...args))
  const driver = createMemoryDriver()
  using a: Node = {
    tunnel: createTunnel({
      nodeKey: keyOf('a'),
      addresses: ['100.64.0.1'],
      driver,
      filter: OPEN,
      udp: {
        send: (datagram, endpoint) => current.send(datagram, endpoint),
        onDatagram(next) {
          handler = next
        },
        localEndpoints: () => current.localEndpoints(),
      },
    }),
    driver,
    address: '100.64.0.1',
    [Symbol.dispose]() {
      this.tunnel.close()
    },
  }
  using b = startTunnel('b', '100.64.0.2', udpB)
  a.tunnel.setPeers([peerOf('b', b)])
  b.tunnel.setPeers([peerOf('a', a)])
  await a.tunnel.ping(b.address, 'TSMP', 5_000)
  const key = nodePublicOf(keyOf('a'))
  assert.equal(b.tunnel.stats(key)?.endpoint, `127.0.0.1:${first.port}`)
  current = second
  await a.tunnel.ping(b.address, 'TSMP', 5_000)
  assert.equal(b.tunnel.stats(key)?.endpoint, `127.0.0.1:${second.port}`)
  const { endpoint } = await b.tunnel.ping(a.address, 'TSMP', 5_000)
  assert.equal(endpoint, `127.0.0.1:${second.port}`)
})
