// SPDX-License-Identifier: Apache-2.0

/**
 * The embedded relay on real sockets: who gets in, what a client that does not read costs, and what nodes are
 * told about it. The protocol itself is tested in `@signet/derp`.
 */

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { Duplex, duplexPair } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import {
  encodeClientInfo,
  encodePing,
  encodeSendPacket,
  encodeStunRequest,
  MAX_BACKLOG,
  MAX_PACKET,
  parseStunResponse,
  QUEUE_LENGTH,
} from '@signet/derp'
import { generateNodeKey, nodePublicOf } from '@signet/keys'
import type { NodePrivate } from '@signet/keys'
import { createFakeClock } from '@signet/testkit'
import pino from 'pino'
import { NO_RELAYS, relayMapJson } from '../src/relay/relay-map.ts'
import { ADMISSION_DEADLINE_MS, RECHECK_MS, WRITE_DEADLINE_MS } from '../src/relay/limits.ts'
import { startRelay } from '../src/relay/relay-server.ts'
import { socketTransport } from '../src/relay/socket-transport.ts'
import { answerTo, startStun } from '../src/relay/stun-server.ts'
import { connectMachine, startRealServer } from './support/real-client.ts'
import type { RealServer } from './support/real-client.ts'
import { dialRelay, HELLO, UPGRADE } from './support/relay-client.ts'
import { openTestServer } from './support/server.ts'

/** STUN on IPv6 can be tried where there is an IPv6. */
function hasIpv6(): boolean {
  const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return interfaces.some(({ address }) => address === '::1')
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

/** A node that the server knows. */
async function joinNode(server: RealServer, name: string): Promise<NodePrivate> {
  const machine = await connectMachine(server, name)
  const nodeKey = generateNodeKey()
  const { json } = await machine.register(await server.authKey(), {
    NodeKey: nodePublicOf(nodeKey),
  })
  assert.equal(json.Error ?? '', '')
  machine.close()
  return nodeKey
}

describe('the embedded relay', () => {
  it('carries packets between nodes, with and without fast start', async () => {
    await using server = await startRealServer()
    const [keyA, keyB] = [await joinNode(server, 'a'), await joinNode(server, 'b')]
    using a = dialRelay(server.control.port, keyA)
    using b = dialRelay(server.control.port, keyB, { headers: 'Derp-Fast-Start: 1\r\n' })
    assert.equal((await a.next()).type, 'server-info')
    assert.equal((await b.next()).type, 'server-info')
    a.socket.write(encodeSendPacket(nodePublicOf(keyB), Uint8Array.of(1, 2, 3)))
    const message = await b.next()
    assert.ok(message.type === 'packet')
    assert.equal(message.source, nodePublicOf(keyA))
    assert.deepEqual([...message.data], [1, 2, 3])
    a.socket.destroy()
    const gone = await b.next()
    assert.deepEqual(gone, { type: 'peer-gone', peer: nodePublicOf(keyA), reason: 0 })
  })

  it('lets in nodes of this server only, and not after they were removed', async () => {
    await using server = await startRealServer()
    using stranger = dialRelay(server.control.port, generateNodeKey())
    await stranger.closed
    const key = await joinNode(server, 'a')
    using a = dialRelay(server.control.port, key)
    await a.next()
    const { json } = await server.admin('GET', '/nodes')
    await server.admin('DELETE', `/nodes/${json.nodes[0].id}`)
    await a.closed
  })

  it('answers probes, and refuses other upgrades', async () => {
    await using server = await startRealServer()
    for (const path of ['/derp/probe', '/derp/latency-check']) {
      const response = await fetch(`${server.control.url}${path}`)
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('access-control-allow-origin'), '*')
      assert.equal(await response.text(), '')
      assert.equal((await fetch(`${server.control.url}${path}`, { method: 'POST' })).status, 405)
    }
    assert.equal((await fetch(`${server.control.url}/derp`)).status, 426)
    const socket = connect({ port: server.control.port, host: '127.0.0.1' })
    socket.write(UPGRADE.replace('DERP', 'other') + '\r\n')
    const [answer] = await once(socket, 'data')
    assert.match(String(answer), /^HTTP\/1\.1 426 /)
    socket.destroy()
  })

  it('keeps its key in a file of its own, and refuses another file', async () => {
    await using server = await startRealServer()
    const path = join(server.dir, 'derp.key')
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const before = readFileSync(path, 'utf8')
    await server.restart()
    assert.equal(readFileSync(path, 'utf8'), before)
    writeFileSync(path, 'nonsense')
    await assert.rejects(server.restart(), { code: 'state-dir' })
    writeFileSync(path, before)
  })

  it('holds back a bounded number of bytes for a client that does not read', async () => {
    await using server = await startRealServer()
    const [keyA, keyB] = [await joinNode(server, 'a'), await joinNode(server, 'b')]
    using a = dialRelay(server.control.port, keyA)
    using b = dialRelay(server.control.port, keyB)
    await Promise.all([a.next(), b.next()])
    b.socket.pause()
    const packet = encodeSendPacket(nodePublicOf(keyB), new Uint8Array(MAX_PACKET))
    collectGarbage()
    const before = process.memoryUsage().arrayBuffers
    // 64 MiB; kernel buffers on loopback take a few.
    for (let i = 0; i < 1024; i++) if (!a.socket.write(packet)) await once(a.socket, 'drain')
    a.socket.write(encodePing(new Uint8Array(8)))
    assert.equal((await a.next()).type, 'pong')
    // The sockets of this process have buffers, too.
    const bound = MAX_BACKLOG + (QUEUE_LENGTH + 2) * MAX_PACKET + 4 * 1024 * 1024
    // What is no longer held goes with one of the next collections; what is held stays for ever.
    let grown = Number.POSITIVE_INFINITY
    for (let turn = 0; turn < 200 && grown >= bound; turn++) {
      await new Promise(setImmediate)
      collectGarbage()
      grown = process.memoryUsage().arrayBuffers - before
    }
    assert.ok(grown < bound, `${grown}`)
    b.socket.resume()
    const message = await b.next()
    assert.equal(message.type, 'packet')
  })
})

/** A relay on the clock of the test, and a socket to it. */
function fakeRelay(): {
  server: ReturnType<typeof openTestServer>
  relay: ReturnType<typeof startRelay>
} {
  const server = openTestServer()
  const relay = startRelay({
    serverKey: generateNodeKey(),
    tailnets: server.services.tailnets,
    clock: server.clock,
    logger: pino({ level: 'silent' }),
  })
  return { server, relay }
}

describe('startRelay()', () => {
  it('disconnects who does not introduce itself in time', async () => {
    const { server, relay } = fakeRelay()
    const [near, far] = duplexPair()
    const request = { method: 'GET', headers: { upgrade: 'derp' } }
    assert.equal(relay.accept(request, near, new Uint8Array()), true)
    assert.match(String(far.read()), HELLO)
    server.clock.advance(ADMISSION_DEADLINE_MS - 1)
    assert.equal(near.destroyed, false)
    server.clock.advance(1)
    assert.equal(near.destroyed, true)
    relay[Symbol.dispose]()
    server[Symbol.dispose]()
  })

  it('looks again for nodes that have expired', async () => {
    const { server, relay } = fakeRelay()
    const machine = server.join('a')
    const [near, far] = duplexPair()
    far.resume()
    const headers = { upgrade: 'DERP', 'derp-fast-start': '1' }
    const info = { version: 2, canAckPings: true, isProber: false, appName: '', meshKey: null }
    const hello = encodeClientInfo({
      clientKey: machine.nodeKey,
      serverKey: relay.relay.publicKey,
      nonce: new Uint8Array(24),
      info,
    })
    relay.accept({ method: 'GET', headers }, near, hello)
    assert.equal(relay.relay.size, 1)
    // What was written is taken.
    await new Promise(setImmediate)
    server.clock.advance(RECHECK_MS)
    assert.equal(near.destroyed, false)
    const expired = { ...machine.row(), expiresAt: server.clock.now() }
    server.tailnet.write((draft) => draft.putNode(expired))
    server.clock.advance(RECHECK_MS)
    assert.equal(near.destroyed, true)
    relay[Symbol.dispose]()
    server[Symbol.dispose]()
  })
})

describe('socketTransport()', () => {
  it('gives up on a socket that takes nothing', async () => {
    const clock = createFakeClock()
    const taken: (() => void)[] = []
    const socket = new Duplex({
      read() {},
      write: (_chunk, _encoding, done) => void taken.push(done),
      writev: (_chunks, done) => void taken.push(done),
    })
    socket.on('error', () => {})
    const transport = socketTransport(socket, clock)
    transport.write([new Uint8Array(10), new Uint8Array(20)])
    assert.equal(transport.backlog, 30)
    clock.advance(WRITE_DEADLINE_MS - 1)
    // Something was taken: the time begins again.
    transport.write([new Uint8Array(5)])
    taken.shift()?.()
    await new Promise(setImmediate)
    clock.advance(WRITE_DEADLINE_MS - 1)
    assert.equal(socket.destroyed, false)
    clock.advance(1)
    assert.equal(socket.destroyed, true)
    transport.write([new Uint8Array(5)])
  })
})

describe('STUN', () => {
  it('shows a client its address, and says nothing to others', async () => {
    await using server = await startRealServer({ stunPort: 0 })
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const transaction = new Uint8Array(12).fill(5)
    const request = encodeStunRequest(transaction)
    socket.send(new Uint8Array(40), server.control.stunPort, '127.0.0.1')
    socket.send(request, server.control.stunPort, '127.0.0.1')
    const [answer] = await once(socket, 'message')
    assert.deepEqual(parseStunResponse(answer), {
      transaction,
      address: Uint8Array.of(127, 0, 0, 1),
      port: socket.address().port,
    })
    socket.close()
    // On a socket of both families, IPv4 clients have addresses inside IPv6.
    const mapped = answerTo(request, { address: '::ffff:10.1.2.3', port: 7 })
    assert.deepEqual(mapped && parseStunResponse(mapped).address, Uint8Array.of(10, 1, 2, 3))
    assert.equal(mapped?.length, 32)
    assert.equal(answerTo(request, { address: '2001:db8::1', port: 7 })?.length, 44)
    for (const packet of [
      new Uint8Array(),
      request.slice(0, 39),
      request.map((byte) => byte ^ 1),
    ]) {
      assert.equal(answerTo(packet, { address: '10.1.2.3', port: 7 }), undefined)
    }
  })

  const skip = hasIpv6() ? false : 'this machine has no IPv6 loopback'
  it('answers on both families, each with its own addresses', { skip }, async () => {
    await using server = await startStun({ host: ['127.0.0.1', '::1'], port: 0 })
    const request = encodeStunRequest(new Uint8Array(12).fill(5))
    for (const [family, host, length] of [
      ['udp4', '127.0.0.1', 4],
      ['udp6', '::1', 16],
    ] as const) {
      const socket = createSocket(family)
      socket.send(request, server.port, host)
      const [answer, from] = await once(socket, 'message')
      assert.equal(parseStunResponse(answer).address.length, length)
      assert.deepEqual([from.address, from.port], [host, server.port])
      socket.close()
    }
    assert.equal(server.answered, 2)
  })

  it('says which port is taken', async () => {
    await using server = await startRealServer({ stunPort: 0 })
    const again = startRealServer({ stunPort: server.control.stunPort })
    await assert.rejects(again, { code: 'bad-config' })
  })
})

describe('relayMapJson()', () => {
  const nodeOf = (url: string, stunPort?: number): unknown =>
    JSON.parse(relayMapJson(url, stunPort)).Regions['900']?.Nodes[0]

  it('names this server, where clients can reach it', () => {
    const common = { Name: '900a', RegionID: 900 }
    assert.deepEqual(nodeOf('https://lock.example.net', 3478), {
      ...common,
      HostName: 'lock.example.net',
      STUNPort: 3478,
      DERPPort: 443,
    })
    assert.deepEqual(nodeOf('http://127.0.0.1:8080'), {
      ...common,
      HostName: '127.0.0.1',
      IPv4: '127.0.0.1',
      IPv6: 'none',
      STUNPort: -1,
      DERPPort: 8080,
      InsecureForTests: true,
    })
    assert.deepEqual(nodeOf('https://[2001:db8::1]:8443', 1), {
      ...common,
      HostName: '2001:db8::1',
      IPv4: 'none',
      IPv6: '2001:db8::1',
      STUNPort: 1,
      DERPPort: 8443,
    })
  })

  it('names nobody when clients would have to speak plain HTTP over a network', () => {
    for (const url of ['http://lock.example.net', 'http://10.0.0.1:8080', 'http://128.0.0.1']) {
      assert.equal(relayMapJson(url, 3478), NO_RELAYS)
    }
    assert.deepEqual(JSON.parse(NO_RELAYS), { Regions: {}, omitDefaultRegions: true })
  })
})
