// SPDX-License-Identifier: Apache-2.0

/**
 * Both protocols inside WebSockets, as browsers reach them: the client is the one that Node has built in.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { concatBytes, decodeUtf8, toBase64 } from '@signet/codec'
import {
  encodeClientInfo,
  encodeSendPacket,
  GreetingReader,
  ServerMessageReader,
} from '@signet/derp'
import type { ServerMessage } from '@signet/derp'
import { generateMachineKey, generateNodeKey, nodePublicOf } from '@signet/keys'
import type { NodePrivate } from '@signet/keys'
import { createInitiator } from '@signet/noise'
import { createControlConnection, noiseStream, UPGRADE_PROTOCOL } from '@signet/ts2021'
import { MAX_CONTROL_MESSAGE, MAX_SENT_MESSAGE } from '../src/limits.ts'
import { MAX_RELAY_MESSAGE } from '../src/relay/limits.ts'
import { connectMachine, startRealServer } from './support/real-client.ts'
import type { RealServer } from './support/real-client.ts'

/** A WebSocket and all bytes that have come, in order. */
interface OpenSocket {
  readonly socket: WebSocket
  /** Waits for the next message. */
  next(): Promise<Uint8Array>
  /** How many bytes the largest message had. */
  largest(): number
  readonly closed: Promise<unknown>
}

async function open(server: RealServer, path: string, protocol: string): Promise<OpenSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.control.port}${path}`, protocol)
  socket.binaryType = 'arraybuffer'
  const arrived: Uint8Array[] = []
  let largest = 0
  const waiting: ((bytes: Uint8Array) => void)[] = []
  socket.addEventListener('message', ({ data }) => {
    const bytes = new Uint8Array(data as ArrayBuffer)
    largest = Math.max(largest, bytes.length)
    const waiter = waiting.shift()
    if (waiter) waiter(bytes)
    else arrived.push(bytes)
  })
  const closed = once(socket, 'close')
  await once(socket, 'open')
  return {
    socket,
    closed,
    largest: () => largest,
    next: () =>
      new Promise((resolve) => {
        const bytes = arrived.shift()
        if (bytes) resolve(bytes)
        else waiting.push(resolve)
      }),
  }
}

/** The bytes of a WebSocket, both ways. */
function duplexOf({ socket, next }: OpenSocket): Duplex {
  return new Duplex({
    read() {
      void next().then((bytes) => this.push(bytes))
    },
    write(chunk: Uint8Array<ArrayBuffer>, _encoding, callback) {
      socket.send(chunk)
      callback()
    },
    destroy(error, callback) {
      socket.close()
      callback(error)
    },
  })
}

function handshakePath(initiation: Uint8Array): string {
  return `/ts2021?X-Tailscale-Handshake=${encodeURIComponent(toBase64(initiation))}`
}

function newInitiator(server: RealServer) {
  const keys = { machineKey: generateMachineKey(), serverKey: server.control.publicKey }
  return createInitiator({ ...keys, version: 145 })
}

/** What the server says to a request for an upgrade, until it says no more. */
async function ask(server: RealServer, target: string, headers: string): Promise<string> {
  const socket = connect({ port: server.control.port, host: '127.0.0.1' })
  let answer = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => (answer += chunk))
  socket.on('error', () => {})
  socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n${headers}\r\n`)
  await once(socket, 'close')
  return answer
}

const WEBSOCKET =
  'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n`

describe('/ts2021 as a WebSocket', () => {
  it('begins with the answer to the handshake, and carries HTTP/2 after it', async () => {
    await using server = await startRealServer()
    const initiator = newInitiator(server)
    const client = await open(server, handshakePath(initiator.initiation), UPGRADE_PROTOCOL)
    assert.equal(client.socket.protocol, UPGRADE_PROTOCOL)
    assert.equal(client.socket.extensions, '')
    const result = initiator.readResponse(await client.next())
    assert.ok(result)
    const { session, rest } = result
    const duplex = noiseStream({
      socket: duplexOf(client),
      head: rest,
      session,
      expectEarlyPayload: true,
    })
    const connection = createControlConnection(duplex, 'x')
    const response = await connection.request({
      method: 'POST',
      path: '/machine/register',
      body: JSON.stringify({
        Version: 145,
        NodeKey: nodePublicOf(generateNodeKey()),
        Auth: { AuthKey: await server.authKey() },
        Expiry: '0001-01-01T00:00:00Z',
        Hostinfo: { OS: 'js', Hostname: 'browser' },
      }),
    })
    const reply = JSON.parse(decodeUtf8(await response.body(1 << 20)))
    assert.equal(reply.MachineAuthorized, true)
    connection.close()
  })

  it('refuses a handshake that is missing, no base64, or not for this server', async () => {
    await using server = await startRealServer()
    const headers = `${WEBSOCKET}Sec-WebSocket-Protocol: ${UPGRADE_PROTOCOL}\r\n`
    assert.match(await ask(server, '/ts2021', headers), /^HTTP\/1\.1 400/)
    const bad = await open(server, '/ts2021?X-Tailscale-Handshake=%25', UPGRADE_PROTOCOL)
    await bad.closed
    const initiation = newInitiator(server).initiation.slice()
    initiation[50] = (initiation[50] ?? 0) ^ 1
    const other = await open(server, handshakePath(initiation), UPGRADE_PROTOCOL)
    await other.closed
    // Another subprotocol is no WebSocket of ours.
    assert.match(
      await ask(server, '/ts2021', `${WEBSOCKET}Sec-WebSocket-Protocol: x\r\n`),
      / 40\d /,
    )
    const key = `${WEBSOCKET.replace(/Key: .*/, 'Key: x')}Sec-WebSocket-Protocol: ${UPGRADE_PROTOCOL}\r\n`
    assert.match(await ask(server, handshakePath(initiation), key), /^HTTP\/1\.1 400/)
    assert.equal((await fetch(`${server.control.url}/health`)).status, 200)
  })

  it('ends at text, and at a message past the limit', async () => {
    await using server = await startRealServer()
    const start = async (): Promise<OpenSocket> => {
      const { initiation } = newInitiator(server)
      const client = await open(server, handshakePath(initiation), UPGRADE_PROTOCOL)
      await client.next()
      return client
    }
    const text = await start()
    text.socket.send('text')
    await text.closed
    const large = await start()
    large.socket.send(new Uint8Array(MAX_CONTROL_MESSAGE + 1))
    const [event] = (await large.closed) as [CloseEvent]
    assert.equal(event.code, 1009)
  })
})

async function joinNode(server: RealServer, name: string): Promise<NodePrivate> {
  const machine = await connectMachine(server, name)
  const nodeKey = generateNodeKey()
  await machine.register(await server.authKey(), { NodeKey: nodePublicOf(nodeKey) })
  machine.close()
  return nodeKey
}

/** A relay client in a WebSocket that has introduced itself. */
async function dialRelay(server: RealServer, nodeKey: NodePrivate) {
  const client = await open(server, '/derp', 'derp')
  const greeting = new GreetingReader()
  let found
  while (found === undefined) found = greeting.push(await client.next())
  const reader = new ServerMessageReader(nodeKey, found.serverKey)
  const info = { version: 2, canAckPings: true, isProber: false, appName: '', meshKey: null }
  const hello = encodeClientInfo({
    clientKey: nodeKey,
    serverKey: found.serverKey,
    nonce: randomBytes(24),
    info,
  })
  // Where a message ends means nothing.
  client.socket.send(hello.slice(0, 7))
  client.socket.send(hello.slice(7))
  const messages: ServerMessage[] = []
  const next = async (): Promise<ServerMessage> => {
    for (;;) {
      const message = messages.shift()
      if (message) return message
      reader.push(await client.next(), (arrived) => void messages.push(arrived))
    }
  }
  return { ...client, next }
}

describe('/derp as a WebSocket', () => {
  it('carries packets between nodes', async () => {
    await using server = await startRealServer()
    const [keyA, keyB] = [await joinNode(server, 'a'), await joinNode(server, 'b')]
    const [a, b] = [await dialRelay(server, keyA), await dialRelay(server, keyB)]
    for (const client of [a, b]) assert.equal((await client.next()).type, 'server-info')
    const data = randomBytes(40_000)
    a.socket.send(concatBytes(encodeSendPacket(nodePublicOf(keyB), data)).slice())
    const message = await b.next()
    assert.equal(b.largest(), MAX_SENT_MESSAGE)
    assert.ok(message.type === 'packet')
    assert.deepEqual(Buffer.from(message.data), data)
    // Text ends it, also where its bytes would be a frame that is skipped.
    a.socket.send('\0\0\0\0\0')
    await a.closed
    assert.deepEqual(await b.next(), { type: 'peer-gone', peer: nodePublicOf(keyA), reason: 0 })
    b.socket.send(new Uint8Array(MAX_RELAY_MESSAGE + 1))
    const [event] = (await b.closed) as [CloseEvent]
    assert.equal(event.code, 1009)
  })

  it('lets in nodes of this server only', async () => {
    await using server = await startRealServer()
    const stranger = await dialRelay(server, generateNodeKey())
    await stranger.closed
  })

  it('is raw DERP without the subprotocol, as the first clients spoke it', async () => {
    await using server = await startRealServer()
    const socket = connect({ port: server.control.port, host: '127.0.0.1' })
    socket.write(
      'GET /derp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n',
    )
    const [answer] = await once(socket, 'data')
    assert.match(String(answer), /^HTTP\/1\.1 101 [^]*\r\nUpgrade: DERP\r\n/)
    socket.destroy()
  })
})
