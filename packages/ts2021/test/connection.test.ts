// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { decodeUtf8, encodeUtf8, toBase64 } from '@signet/codec'
import {
  generateChallengeKey,
  challengePublicOf,
  generateMachineKey,
  machinePublicOf,
} from '@signet/keys'
import { createInitiator, encodeEarlyPayload } from '@signet/noise'
import {
  type ControlConnection,
  dialControl,
  fetchServerKey,
  type ServerStream,
  Ts2021Error,
} from '../src/index.ts'
import { type Handler, type Loopback, startLoopback } from './loopback.ts'

const echo: Handler = (stream) => void answer(stream)

async function answer(stream: ServerStream): Promise<void> {
  const { headers } = stream
  const body = await stream.readBody(1 << 20)
  stream.respond(200, { 'x-authority': headers[':authority'] ?? '' })
  stream.end(`${headers[':method']} ${headers[':path']} ${decodeUtf8(body)}`)
}

async function connectTo(loopback: Loopback): Promise<ControlConnection> {
  return dialControl({
    url: loopback.url,
    machineKey: generateMachineKey(),
    serverKey: await fetchServerKey(loopback.url, 145),
    version: 145,
  })
}

describe('dialControl() and acceptUpgrade()', () => {
  test('the server learns machine key and version, and both sides hold the same hash', async () => {
    await using loopback = await startLoopback(echo)
    const machineKey = generateMachineKey()
    const serverKey = machinePublicOf(loopback.serverKey)
    await using connection = await dialControl({
      url: loopback.url,
      machineKey,
      serverKey,
      version: 113,
    })
    const response = await connection.request({
      method: 'POST',
      path: '/machine/register',
      body: 'hi',
    })
    assert.equal(response.status, 200)
    assert.equal(decodeUtf8(await response.body(1000)), 'POST /machine/register hi')
    assert.equal(response.headers['x-authority'], new URL(loopback.url).host)
    assert.equal(loopback.accepted[0]?.machineKey, machinePublicOf(machineKey))
    assert.equal(loopback.accepted[0]?.version, 113)
  })

  test('a GET request carries a body, and :authority is free', async () => {
    await using loopback = await startLoopback(echo)
    await using connection = await connectTo(loopback)
    const response = await connection.request({
      method: 'GET',
      path: '/machine/tka/bootstrap',
      authority: 'unused',
      body: '{"Head":""}',
    })
    assert.equal(decodeUtf8(await response.body(1000)), 'GET /machine/tka/bootstrap {"Head":""}')
    assert.equal(response.headers['x-authority'], 'unused')
  })

  test('headers may repeat', async () => {
    await using loopback = await startLoopback((stream) => {
      stream.respond(200)
      stream.end(String(stream.headers['ts-lb']))
    })
    await using connection = await connectTo(loopback)
    const headers = { 'Ts-Lb': ['nodekey:a', 'nodekey:b'] }
    const response = await connection.request({ method: 'POST', path: '/', headers, body: '' })
    assert.equal(decodeUtf8(await response.body(1000)), 'nodekey:a, nodekey:b')
  })

  test('many requests run at once, each response whole', async () => {
    await using loopback = await startLoopback(echo)
    await using connection = await connectTo(loopback)
    const bodies = Array.from({ length: 40 }, (_, i) => String(i).repeat(20_000))
    const answers = await Promise.all(
      bodies.map(async (body, i) => {
        const response = await connection.request({ method: 'POST', path: `/${i}`, body })
        return decodeUtf8(await response.body(1 << 20))
      }),
    )
    assert.deepEqual(
      answers,
      bodies.map((body, i) => `POST /${i} ${body}`),
    )
  })

  test('an early payload before HTTP/2 is passed over', async () => {
    const nodeKeyChallenge = challengePublicOf(generateChallengeKey())
    const initial = encodeEarlyPayload({ nodeKeyChallenge })
    await using loopback = await startLoopback(echo, { initial })
    await using connection = await connectTo(loopback)
    const response = await connection.request({ method: 'POST', path: '/', body: 'x' })
    assert.equal(decodeUtf8(await response.body(1000)), 'POST / x')
  })

  test('a stream delivers what the server writes when it writes it', async () => {
    const written: ((text: string) => void)[] = []
    await using loopback = await startLoopback((stream) => {
      stream.respond(200)
      written.push((text) => stream.write(text))
    })
    await using connection = await connectTo(loopback)
    const { stream } = await connection.request({
      method: 'POST',
      path: '/machine/map',
      body: '{}',
    })
    for (const text of ['one', 'two', 'three']) {
      const arrived = once(stream, 'data')
      written[0]?.(text)
      const [chunk] = await arrived
      assert.equal(decodeUtf8(chunk), text)
    }
  })

  test('aborting cancels the one request and keeps the connection', async () => {
    const cancelled: Promise<unknown>[] = []
    await using loopback = await startLoopback((stream) => {
      if (stream.headers[':path'] !== '/hold') return echo(stream)
      stream.respond(200)
      cancelled.push(new Promise<void>((resolve) => stream.onClose(resolve)))
      return undefined
    })
    await using connection = await connectTo(loopback)
    const abort = new AbortController()
    const held = await connection.request({
      method: 'POST',
      path: '/hold',
      body: '',
      signal: abort.signal,
    })
    const body = held.body(1000)
    abort.abort()
    await assert.rejects(body, { name: 'Ts2021Error', code: 'closed' })
    await cancelled[0]
    const response = await connection.request({ method: 'POST', path: '/', body: 'y' })
    assert.equal(response.status, 200)
    assert.equal(connection.closed, false)
  })

  test('a body over the limit is refused on both sides', async () => {
    const handle = async (stream: ServerStream): Promise<void> => {
      try {
        await stream.readBody(1000)
        stream.respond(200)
        stream.end('z'.repeat(2000))
      } catch (error) {
        assert.ok(error instanceof Ts2021Error)
        stream.respond(413)
        stream.end(error.code)
      }
    }
    await using loopback = await startLoopback((stream) => void handle(stream))
    await using connection = await connectTo(loopback)
    const atBound = await connection.request({ method: 'POST', path: '/', body: 'a'.repeat(1000) })
    assert.equal(atBound.status, 200)
    await assert.rejects(atBound.body(1999), { code: 'body-too-large' })
    const over = await connection.request({ method: 'POST', path: '/', body: 'a'.repeat(1001) })
    assert.equal(over.status, 413)
    assert.equal(decodeUtf8(await over.body(1000)), 'body-too-large')
  })

  test('a connection that breaks ends every request with an error, none silently', async () => {
    await using loopback = await startLoopback((stream) => {
      stream.respond(200)
      stream.write('half')
    })
    await using connection = await connectTo(loopback)
    const response = await connection.request({ method: 'POST', path: '/', body: '' })
    const body = response.body(1000)
    loopback.accepted[0]?.link.destroy()
    await assert.rejects(body, { code: 'closed' })
    await connection.whenClosed
    assert.equal(connection.closed, true)
    await assert.rejects(connection.request({ method: 'POST', path: '/' }), { code: 'closed' })
  })

  test('an upgrade answered by plain HTTP is an error that names status and text', async () => {
    await using loopback = await startLoopback(echo)
    loopback.server.removeAllListeners('upgrade')
    await assert.rejects(connectTo(loopback), { code: 'bad-upgrade', message: /404 "not found"/ })
  })

  test('a server with another key is refused by both sides', async () => {
    await using loopback = await startLoopback(echo)
    const serverKey = machinePublicOf(generateMachineKey())
    const machineKey = generateMachineKey()
    await assert.rejects(dialControl({ url: loopback.url, machineKey, serverKey, version: 145 }), {
      name: 'Ts2021Error',
      code: 'closed',
    })
    assert.equal((loopback.errors[0] as Ts2021Error).code, 'handshake')
  })

  test('a server that never answers is given up after the timeout', async () => {
    await using loopback = await startLoopback(echo)
    loopback.server.removeAllListeners('upgrade')
    loopback.server.on('upgrade', (_request, socket) => socket.on('error', () => {}))
    const serverKey = machinePublicOf(loopback.serverKey)
    const machineKey = generateMachineKey()
    await assert.rejects(
      dialControl({ url: loopback.url, machineKey, serverKey, version: 145, timeout: 30 }),
      { code: 'timeout' },
    )
    const signal = AbortSignal.abort()
    await assert.rejects(
      dialControl({ url: loopback.url, machineKey, serverKey, version: 145, signal }),
      { code: 'closed' },
    )
  })

  test('a client that never starts HTTP/2 is dropped', async () => {
    await using loopback = await startLoopback(echo, { prefaceTimeout: 20 })
    const { initiation } = createInitiator({
      version: 145,
      machineKey: generateMachineKey(),
      serverKey: machinePublicOf(loopback.serverKey),
    })
    const upgrade = request(`${loopback.url}/ts2021`, {
      method: 'POST',
      headers: {
        Connection: 'upgrade',
        Upgrade: 'tailscale-control-protocol',
        'X-Tailscale-Handshake': toBase64(initiation),
      },
    })
    upgrade.end()
    const [response, socket] = await once(upgrade, 'upgrade')
    assert.equal(response.statusCode, 101)
    socket.resume()
    await once(socket, 'close')
  })
})

describe('acceptUpgrade() refuses', () => {
  const rows: [string, string, Record<string, string>, RegExp][] = [
    [
      'another method',
      'PUT',
      { Upgrade: 'tailscale-control-protocol' },
      /^HTTP\/1.1 405 .*expected POST$/s,
    ],
    [
      'another protocol',
      'POST',
      { Upgrade: 'websocket' },
      /^HTTP\/1.1 400 .*unknown next protocol$/s,
    ],
    [
      'no handshake',
      'POST',
      { Upgrade: 'tailscale-control-protocol' },
      /^HTTP\/1.1 400 .*missing handshake header$/s,
    ],
    [
      'a handshake that is not base64',
      'POST',
      { Upgrade: 'tailscale-control-protocol', 'X-Tailscale-Handshake': '!' },
      /^HTTP\/1.1 400 .*invalid handshake header$/s,
    ],
    [
      'a handshake of the wrong size, after the switch',
      'POST',
      { Upgrade: 'tailscale-control-protocol', 'X-Tailscale-Handshake': 'AAAA' },
      /^HTTP\/1.1 101 .*\r\n\r\n...wrong handshake initiation size$/s,
    ],
  ]
  for (const [name, method, headers, expected] of rows) {
    test(name, async () => {
      await using loopback = await startLoopback(echo)
      const { port } = new URL(loopback.url)
      const socket = connect(Number(port), '127.0.0.1')
      const lines = Object.entries(headers).map(([field, value]) => `${field}: ${value}\r\n`)
      socket.write(
        `${method} /ts2021 HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n${lines.join('')}\r\n`,
      )
      let received = ''
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1')
      })
      await once(socket, 'end')
      assert.match(received, expected)
      assert.equal(loopback.accepted.length, 0)
    })
  }
})

test('a refused client that never closes is closed', async () => {
  await using loopback = await startLoopback(echo)
  const { port } = new URL(loopback.url)
  const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true })
  socket.write('POST /ts2021 HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
  const serverSide = once(loopback.server, 'connection')
  socket.resume()
  const [accepted] = await serverSide
  await once(accepted, 'close')
  socket.destroy()
})

describe('fetchServerKey()', () => {
  test('returns the key', async () => {
    await using loopback = await startLoopback(echo)
    assert.equal(await fetchServerKey(loopback.url, 145), machinePublicOf(loopback.serverKey))
  })

  const rows: [string, string, string][] = [
    ['no JSON', 'hello', 'bad-key-response'],
    ['no key', '{}', 'bad-key-response'],
    ['null', 'null', 'bad-key-response'],
    ['a malformed key', '{"publicKey":"mkey:12"}', 'bad-key-response'],
    ['a zero key', `{"publicKey":"mkey:${'0'.repeat(64)}"}`, 'bad-key-response'],
    ['a long answer', ' '.repeat(65_537), 'body-too-large'],
  ]
  for (const [name, keyBody, code] of rows) {
    test(`refuses ${name}`, async () => {
      await using loopback = await startLoopback(echo, { keyBody })
      await assert.rejects(fetchServerKey(loopback.url, 145), { name: 'Ts2021Error', code })
    })
  }

  test('says so when nobody listens', async () => {
    const { url } = await (async () => {
      await using loopback = await startLoopback(echo)
      return loopback
    })()
    await assert.rejects(fetchServerKey(url, 145), { code: 'unreachable' })
    const machineKey = generateMachineKey()
    const serverKey = machinePublicOf(machineKey)
    await assert.rejects(dialControl({ url, machineKey, serverKey, version: 1 }), {
      code: 'unreachable',
    })
  })
})

test('encodeUtf8 is what bodies of text go through', async () => {
  await using loopback = await startLoopback(echo)
  await using connection = await connectTo(loopback)
  const response = await connection.request({ method: 'POST', path: '/', body: encodeUtf8('é') })
  assert.equal(decodeUtf8(await response.body(1000)), 'POST / é')
})
