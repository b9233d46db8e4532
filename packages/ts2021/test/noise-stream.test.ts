// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type Duplex, duplexPair, PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { encodeUtf8 } from '@signet/codec'
import { RecordWriter } from '@signet/noise'
import { MAX_EARLY_BYTES, noiseStream, readBody } from '../src/index.ts'
import { handshake, noisePair } from './noise-pair.ts'

const MIB = 1 << 20

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff)
}

async function failureOf(duplex: Duplex): Promise<string> {
  const [error] = await once(duplex, 'error')
  return `${error.name} ${error.code ?? error.message}`
}

describe('noiseStream()', () => {
  test('carries bytes both ways, whatever their number, and ends in order', async () => {
    for (const length of [0, 1, 4077, 4078, MIB + 3]) {
      const { client, server } = noisePair()
      const sent = pattern(length)
      client.end(sent)
      server.end(sent)
      assert.deepEqual(new Uint8Array(await buffer(server)), sent)
      assert.deepEqual(new Uint8Array(await buffer(client)), sent)
    }
  })

  test('delivers bytes that arrived with the handshake', async () => {
    const sessions = handshake()
    const head = new RecordWriter(sessions.client.sendKey).seal(encodeUtf8('early'))
    const [socket] = duplexPair()
    const server = noiseStream({ socket, head, session: sessions.server })
    const [chunk] = await once(server, 'data')
    assert.equal(String(chunk), 'early')
  })

  test('stops reading while nobody takes the plaintext, so that the writer has to wait', async () => {
    const { client, server } = noisePair()
    const chunk = pattern(16 * 1024)
    let written = 0
    while (client.write(chunk) && written < 100) written += 1
    await new Promise((resolve) => setImmediate(resolve))
    let drained = false
    client.once('drain', () => {
      drained = true
    })
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    // Fill every buffer between the two ends.
    while (drained && written < 100) {
      drained = !client.write(chunk) ? false : drained
      written += 1
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(written < 100, 'the writer is never told to wait')
    server.resume()
    if (client.writableNeedDrain) await once(client, 'drain')
    client.end()
    await once(server, 'end')
  })

  test('many small writes become few writes to the socket', async () => {
    const [socket, other] = duplexPair()
    const sessions = handshake()
    const client = noiseStream({ socket, session: sessions.client })
    const server = noiseStream({ socket: other, session: sessions.server })
    let writes = 0
    const write = socket.write.bind(socket)
    socket.write = ((...args: Parameters<typeof write>) => {
      writes += 1
      return write(...args)
    }) as typeof socket.write
    client.cork()
    for (let i = 0; i < 100; i++) client.write(`${i},`)
    client.uncork()
    client.end()
    const received = await buffer(server)
    assert.equal(received.toString(), Array.from({ length: 100 }, (_, i) => `${i},`).join(''))
    assert.equal(writes, 1)
  })

  test('a changed record destroys the stream with the reason', async () => {
    const { server, clientSocket, clientSession } = noisePair()
    const record = new RecordWriter(clientSession.sendKey).seal(encodeUtf8('x'))
    record[5] = (record[5] ?? 0) ^ 1
    clientSocket.write(record)
    assert.equal(await failureOf(server), 'NoiseError decrypt')
    assert.ok(server.destroyed)
  })

  test('an end inside a record is an error, not an end', async () => {
    const { server, clientSocket, clientSession } = noisePair()
    const record = new RecordWriter(clientSession.sendKey).seal(encodeUtf8('hello'))
    clientSocket.end(record.subarray(0, 9))
    server.on('end', () => assert.fail('looks like an orderly end'))
    assert.equal(await failureOf(server), 'NoiseError truncated')
  })

  test('an error of the socket reaches the stream', async () => {
    const { server, serverSocket } = noisePair()
    serverSocket.destroy(new Error('cable'))
    assert.equal(await failureOf(server), 'Error cable')
  })

  test('destroying the stream destroys the socket', async () => {
    const { server, serverSocket } = noisePair()
    server.destroy()
    await once(server, 'close')
    assert.ok(serverSocket.destroyed)
  })

  test('an early payload beyond the limit is refused', async () => {
    const { client, server } = noisePair({ client: { expectEarlyPayload: true } })
    server.write(Uint8Array.of(0xff, 0xff, 0xff, 0x54, 0x53, 0, 0x10, 0, 0))
    server.write(new Uint8Array(MAX_EARLY_BYTES))
    assert.equal(await failureOf(client), 'Ts2021Error handshake')
  })
})

describe('readBody()', () => {
  test('takes a body of single bytes at the price of its bytes', async () => {
    const stream = new PassThrough()
    const body = readBody(stream, 300_000)
    for (let i = 0; i < 300_000; i++) {
      if (!stream.write(Uint8Array.of(i & 0xff))) await once(stream, 'drain')
    }
    stream.end()
    assert.deepEqual(
      await body,
      Uint8Array.from({ length: 300_000 }, (_, i) => i & 0xff),
    )
  })

  test('is given up when its signal says so, and leaves the stream usable', async () => {
    const stream = new PassThrough()
    const abort = new AbortController()
    const body = readBody(stream, 10, { signal: abort.signal })
    stream.write('half')
    abort.abort()
    await assert.rejects(body, { name: 'Ts2021Error', code: 'timeout' })
    assert.equal(stream.destroyed, false)
    assert.equal(stream.listenerCount('data'), 0)
    await assert.rejects(readBody(stream, 10, { signal: abort.signal }), { code: 'timeout' })
  })

  test('knows a stream that is over already', async () => {
    const ended = new PassThrough()
    ended.end()
    ended.resume()
    await once(ended, 'end')
    assert.deepEqual(await readBody(ended, 10), new Uint8Array())
    const destroyed = new PassThrough().destroy()
    await assert.rejects(readBody(destroyed, 10), { code: 'closed' })
  })
})
