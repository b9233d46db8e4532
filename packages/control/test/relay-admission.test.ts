// SPDX-License-Identifier: Apache-2.0

/**
 * Who may use the relay, how many may ask at once, how fast they may send, and what outside relays are told.
 */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { once } from 'node:events'
import { Duplex, duplexPair } from 'node:stream'
import { describe, it } from 'node:test'
import {
  encodeClientInfo,
  encodePing,
  encodeSendPacket,
  MAX_PACKET,
  MIN_RATE_BURST,
} from '@signet/derp'
import type { RelayRate } from '@signet/derp'
import { generateNodeKey, nodePublicOf, parseDerpMeshKey, zeroNodePublic } from '@signet/keys'
import type { DerpMeshKey, NodePrivate, NodePublic } from '@signet/keys'
import pino from 'pino'
import {
  MAX_STRANGERS,
  MAX_STRANGERS_PER_ADDRESS,
  MAX_VERIFY_BYTES,
  MAX_VERIFY_QUESTIONS,
  MESH_WRITE_DEADLINE_MS,
  RECHECK_MS,
  RELAY_KEEP_ALIVE_JITTER_MS,
  RELAY_KEEP_ALIVE_MS,
  REPLACED_KEY_GRACE_MS,
  WRITE_DEADLINE_MS,
} from '../src/relay/limits.ts'
import { startRelay } from '../src/relay/relay-server.ts'
import type { RelayServer } from '../src/relay/relay-server.ts'
import { addressBytes, createStrangers } from '../src/relay/strangers.ts'
import { startRealServer } from './support/real-client.ts'
import { openTestServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'

const MESH = parseDerpMeshKey('7f'.repeat(32))

interface Bench extends Disposable {
  readonly server: TestServer
  readonly relay: RelayServer
  /** Connects with a key; the near end of the connection. */
  join(key: NodePrivate, options?: { meshKey?: DerpMeshKey; stream?: Duplex }): Duplex
}

function bench(
  options: { rate?: RelayRate; expectsKey?: (key: NodePublic) => boolean } = {},
): Bench {
  const server = openTestServer()
  const relay = startRelay({
    serverKey: generateNodeKey(),
    tailnets: server.services.tailnets,
    clock: server.clock,
    logger: pino({ level: 'silent' }),
    meshKey: MESH,
    ...options,
  })
  return {
    server,
    relay,
    join(clientKey, { meshKey, stream } = {}) {
      const [near, far] = duplexPair()
      far.resume()
      far.on('error', () => {})
      const info = { version: 2, canAckPings: true, isProber: false, appName: '' }
      const hello = encodeClientInfo({
        clientKey,
        serverKey: relay.relay.publicKey,
        nonce: new Uint8Array(24),
        info: { ...info, meshKey: meshKey ?? null },
      })
      relay.serve(stream ?? near, hello, { address: '192.0.2.1' })
      return stream ?? near
    },
    [Symbol.dispose]() {
      relay[Symbol.dispose]()
      server[Symbol.dispose]()
    },
  }
}

/** What was written is taken. */
const settle = (): Promise<void> => new Promise(setImmediate)

describe('admission', () => {
  it('says why a key may not come in', () => {
    using b = bench()
    const machine = b.server.join('a')
    const { admission } = b.relay
    assert.equal(admission.refusal(nodePublicOf(machine.nodeKey)), undefined)
    assert.match(admission.refusal(zeroNodePublic) ?? '', /zeros/)
    assert.match(admission.refusal(nodePublicOf(generateNodeKey())) ?? '', /not the key of a node/)
    const row = { ...machine.row(), expiresAt: b.server.clock.now() }
    b.server.tailnet.write((draft) => draft.putNode(row))
    assert.match(admission.refusal(nodePublicOf(machine.nodeKey)) ?? '', /expired/)
  })

  it('lets a key stay for a while after its node has replaced it, and then no more', async () => {
    using b = bench()
    const machine = b.server.join('a')
    const old = b.join(machine.nodeKey)
    const fresh = generateNodeKey()
    const row = { ...machine.row(), nodeKey: nodePublicOf(fresh) }
    b.server.tailnet.write((draft) => draft.putNode(row))
    const renewed = b.join(fresh)
    // A replaced key does not come in anew.
    const late = b.join(machine.nodeKey)
    assert.equal(late.destroyed, true)
    await settle()
    b.server.clock.advance(RECHECK_MS)
    await settle()
    assert.equal(old.destroyed, false)
    await b.server.clock.advanceAsync(REPLACED_KEY_GRACE_MS - 1)
    assert.equal(old.destroyed, false)
    await b.server.clock.advanceAsync(1)
    assert.equal(old.destroyed, true)
    assert.equal(renewed.destroyed, false)
    b.server.tailnet.write((draft) => draft.deleteNode(row.id))
    assert.equal(renewed.destroyed, true)
  })

  it('takes a key that its node waits for, as long as it does', async () => {
    const expected = new Set<NodePublic>()
    using b = bench({ expectsKey: (key) => expected.has(key) })
    const key = generateNodeKey()
    expected.add(nodePublicOf(key))
    const waiting = b.join(key)
    await settle()
    b.server.clock.advance(RECHECK_MS)
    assert.equal(waiting.destroyed, false)
    expected.clear()
    b.server.clock.advance(RECHECK_MS)
    assert.equal(waiting.destroyed, true)
  })
})

describe('clients that have not said who they are', () => {
  const from = (text: string): Uint8Array => addressBytes(text)

  it('are bounded in all: one more drives out the oldest of the most crowded address', () => {
    const strangers = createStrangers()
    const gone: number[] = []
    const leaves = Array.from({ length: MAX_STRANGERS }, (_, i) => {
      // The second address has two.
      const address = `10.0.${i >> 8}.${i === 2 ? 1 : i & 0xff}`
      return strangers.admit(from(address), () => gone.push(i))
    })
    assert.equal(leaves.includes(undefined), false)
    assert.deepEqual([strangers.size, gone], [MAX_STRANGERS, []])
    assert.ok(strangers.admit(from('10.9.9.9')))
    assert.deepEqual([strangers.size, gone], [MAX_STRANGERS, [1]])
    leaves[1]?.()
    leaves[0]?.()
    leaves[0]?.()
    assert.equal(strangers.size, MAX_STRANGERS - 1)
    assert.ok(strangers.admit(from('10.9.9.9')))
    assert.deepEqual([strangers.size, gone], [MAX_STRANGERS, [1]])
  })

  it('on a proxy do not keep a node from the relay', () => {
    using b = bench()
    const silent = Array.from({ length: MAX_STRANGERS }, () => {
      const [near] = duplexPair()
      b.relay.serve(near, new Uint8Array(), { address: '127.0.0.1' })
      return near
    })
    const node = b.join(b.server.join('a').nodeKey)
    assert.equal(node.destroyed, false)
    assert.deepEqual([silent[0]?.destroyed, silent[1]?.destroyed], [true, false])
    assert.equal(b.relay.refused.get('too-many'), 1)
  })

  it('are bounded from one place, of which a proxy on this machine is none', () => {
    const strangers = createStrangers()
    const fill = (address: (i: number) => string): (() => void)[] =>
      Array.from({ length: MAX_STRANGERS_PER_ADDRESS }, (_, i) => {
        const leave = strangers.admit(from(address(i)))
        assert.ok(leave)
        return leave
      })
    const [leave] = fill(() => '192.0.2.1')
    assert.equal(strangers.admit(from('::ffff:192.0.2.1')), undefined)
    assert.ok(strangers.admit(from('192.0.2.2')))
    leave?.()
    assert.ok(strangers.admit(from('192.0.2.1')))
    fill((i) => `2001:db8::${i + 1}`)
    assert.equal(strangers.admit(from('2001:db8::ffff')), undefined)
    assert.ok(strangers.admit(from('2001:db8:0:1::1')))
    fill(() => '127.0.0.1')
    assert.ok(strangers.admit(from('127.0.0.1')))
    fill(() => '::1')
    assert.ok(strangers.admit(from('::1')))
  })

  it('are counted when they are turned away', () => {
    using b = bench()
    const all = Array.from({ length: MAX_STRANGERS_PER_ADDRESS + 1 }, () => {
      const [near] = duplexPair()
      b.relay.serve(near, new Uint8Array(), { address: '192.0.2.7' })
      return near
    })
    assert.deepEqual(
      [all[0]?.destroyed, all.at(-1)?.destroyed, b.relay.refused.get('too-many')],
      [false, true, 1],
    )
    assert.equal(b.relay.strangers, MAX_STRANGERS_PER_ADDRESS)
  })
})

describe('what one client may do', () => {
  it('is not read from beyond its rate', async () => {
    using b = bench({ rate: { bytesPerSecond: 1_000, burst: 0, advertise: false } })
    const [key, to] = [b.server.join('a').nodeKey, nodePublicOf(b.server.join('b').nodeKey)]
    const stream = b.join(key)
    stream.emit('data', encodeSendPacket(to, new Uint8Array(MAX_PACKET - 5)))
    assert.equal(stream.isPaused(), false)
    assert.equal(MIN_RATE_BURST, 32 + MAX_PACKET)
    stream.emit('data', encodePing(new Uint8Array(8)))
    assert.equal(stream.isPaused(), true)
    b.server.clock.advance(12)
    assert.equal(stream.isPaused(), true)
    b.server.clock.advance(1)
    assert.equal(stream.isPaused(), false)
    const mesh = b.join(generateNodeKey(), { meshKey: MESH })
    for (let i = 0; i < 3; i++) {
      mesh.emit('data', encodeSendPacket(to, new Uint8Array(MAX_PACKET)))
    }
    assert.equal(mesh.isPaused(), false)
    await settle()
  })

  it('has a deadline for what is written, and a relay of the region a longer one', () => {
    using b = bench()
    const stuck = (): Duplex => new Duplex({ read() {}, write() {}, writev() {} })
    const streams = [stuck(), stuck()] as const
    for (const stream of streams) stream.on('error', () => {})
    const [client, mesh] = streams
    b.join(b.server.join('a').nodeKey, { stream: client })
    b.join(generateNodeKey(), { stream: mesh, meshKey: MESH })
    b.server.clock.advance(WRITE_DEADLINE_MS - 1)
    assert.deepEqual([client.destroyed, mesh.destroyed], [false, false])
    b.server.clock.advance(1)
    // The greeting was written before it was known who would read it.
    assert.equal(client.destroyed, true)
    assert.ok(MESH_WRITE_DEADLINE_MS > WRITE_DEADLINE_MS)
  })

  it('is kept alive once a minute, with some chance in it', async () => {
    using b = bench()
    const [near, far] = duplexPair()
    const written: number[] = []
    far.on('data', (chunk: Uint8Array) => written.push(chunk[0] ?? 0))
    b.join(b.server.join('a').nodeKey, { stream: near })
    await settle()
    await settle()
    written.length = 0
    b.server.clock.advance(RELAY_KEEP_ALIVE_MS - 1)
    await settle()
    assert.deepEqual(written, [])
    b.server.clock.advance(1)
    await settle()
    assert.deepEqual(written, [6])
    b.server.clock.advance(RELAY_KEEP_ALIVE_MS + RELAY_KEEP_ALIVE_JITTER_MS)
    await settle()
    assert.deepEqual(written, [6, 6])
  })

  it('is told when the server stops', async () => {
    using b = bench()
    const [near, far] = duplexPair()
    const written: Buffer[] = []
    far.on('data', (chunk: Buffer) => written.push(chunk))
    b.join(b.server.join('a').nodeKey, { stream: near })
    await settle()
    written.length = 0
    b.relay.announceRestart()
    await settle()
    const frame = Buffer.concat(written)
    assert.equal(frame[0], 0x15)
    assert.ok(frame.readUInt32BE(5) < 5_000)
    assert.equal(frame.readUInt32BE(9), 60_000)
  })
})

describe('POST /verify', () => {
  const ask = (url: string, body: string, method = 'POST'): Promise<Response> =>
    fetch(`${url}/verify`, { method, ...(method === 'POST' && { body }) })

  it('tells an outside relay who is a node, and is off unless wanted', async () => {
    await using off = await startRealServer()
    assert.equal((await ask(off.control.url, '{}')).status, 404)
    await using server = await startRealServer({ relay: { verify: true, embedded: false } })
    const { url } = server.control
    const question = (key: NodePublic): string =>
      JSON.stringify({ NodePublic: key, Source: '192.0.2.1' })
    const unknown = await ask(url, question(nodePublicOf(generateNodeKey())))
    assert.deepEqual([unknown.status, await unknown.json()], [200, { Allow: false }])
    const zero = await ask(url, question(zeroNodePublic))
    assert.deepEqual(await zero.json(), { Allow: false })
    for (const bad of ['', 'nonsense', '[]', '{"NodePublic":7}', '{"NodePublic":"nodekey:zz"}']) {
      assert.notEqual((await ask(url, bad)).status, 500, bad)
    }
    assert.equal((await ask(url, '[]')).status, 400)
    assert.equal((await ask(url, '', 'GET')).status, 405)
    // This server is no relay.
    assert.equal((await fetch(`${url}/derp/probe`)).status, 404)
    const { json } = await server.admin('GET', '/relay')
    assert.deepEqual([json.enabled, json.region, json.stunPort], [false, null, null])
  })

  it('bounds a question, and how many there are', async () => {
    await using server = await startRealServer({ relay: { verify: true } })
    const { url, port } = server.control
    const padded = (length: number): string => '{}'.padEnd(length)
    assert.equal((await ask(url, padded(MAX_VERIFY_BYTES))).status, 200)
    assert.equal((await ask(url, padded(MAX_VERIFY_BYTES + 1))).status, 413)
    const sockets = Array.from({ length: MAX_VERIFY_QUESTIONS }, () => {
      const socket = connect({ port, host: '127.0.0.1' })
      socket.on('error', () => {})
      socket.write('POST /verify HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n')
      return socket
    })
    let status = 200
    while (status === 200) ({ status } = await ask(url, '{}'))
    assert.equal(status, 503)
    for (const socket of sockets) socket.end('x'.repeat(10))
    await Promise.all(sockets.map((socket) => once(socket.resume(), 'close')))
    assert.equal((await ask(url, '{}')).status, 200)
  })
})
