// SPDX-License-Identifier: Apache-2.0

/** HTTP/2 of the server against the client that Node has. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { describe, test } from 'node:test'
import { serveHttp2, type ServerStream } from '../src/index.ts'
import { linkPair } from './noise-pair.ts'

describe('serveHttp2()', () => {
  const request = { ':method': 'POST', ':path': '/', ':authority': 'x', ':scheme': 'https' }

  test('a request that is cut never reads as whole', async () => {
    for (const cut of ['reset', 'duplex', 'connection', 'half-close'] as const) {
      const pair = linkPair()
      const bodies: Promise<string>[] = []
      const arrived = new Promise<void>((resolve) => {
        serveHttp2(pair.link, (stream) => {
          const body = stream.readBody(1000).then(
            () => 'whole',
            (error: unknown) => (error as { code: string }).code,
          )
          bodies.push(body)
          setTimeout(resolve, 0)
        })
      })
      const session = connect('http://x', { createConnection: () => pair.client })
      session.on('error', () => {})
      const stream = session.request(request, { endStream: false })
      stream.on('error', () => {})
      stream.write('half')
      await arrived
      if (cut === 'reset') stream.destroy(new Error('given up'))
      else if (cut === 'duplex') pair.client.destroy()
      else if (cut === 'connection') pair.clientSocket.destroy()
      else pair.clientSocket.end()
      assert.equal(await bodies[0], 'closed', cut)
      session.destroy()
    }
  })

  test('a client that half-closes while its requests run cannot break the process', async () => {
    const pair = linkPair()
    const streams: ServerStream[] = []
    let over: () => void = () => {}
    const closed = new Promise<void>((resolve) => {
      over = resolve
    })
    const accept = (stream: ServerStream): void => {
      stream.respond(200)
      streams.push(stream)
    }
    serveHttp2(pair.link, accept, { onClose: () => over() })
    const client = connect('http://x', { createConnection: () => pair.client })
    client.on('error', () => {})
    const responses = Array.from({ length: 20 }, () => {
      const stream = client.request(request)
      stream.on('error', () => {})
      return once(stream, 'response')
    })
    await Promise.all(responses)
    pair.clientSocket.end()
    // In every phase of the closing somebody writes, ends or resets.
    for (const [i, stream] of streams.entries()) {
      if (i % 3 === 0) stream.reset()
      else if (i % 3 === 1) stream.end('late')
      else stream.write('late')
      await new Promise((resolve) =>
        i % 2 === 0 ? setImmediate(resolve) : process.nextTick(resolve),
      )
    }
    await closed
    client.destroy()
  })

  test('a handler that throws resets its stream only', async () => {
    const pair = linkPair()
    const errors: Error[] = []
    serveHttp2(
      pair.link,
      (stream) => {
        if (stream.headers[':path'] === '/') throw new Error('handler')
        stream.respond(204)
        stream.end()
      },
      { onError: (error) => errors.push(error) },
    )
    const client = connect('http://x', { createConnection: () => pair.client })
    const failing = client.request(request)
    failing.on('error', () => {})
    await assert.rejects(once(failing, 'close'), { code: 'ERR_HTTP2_STREAM_ERROR' })
    const working = client.request({ ...request, ':path': '/ok' })
    const [headers] = await once(working, 'response')
    assert.equal(headers[':status'], 204)
    assert.equal(errors[0]?.message, 'handler')
    client.destroy()
  })

  test('streams beyond the limit wait or are refused, and the rest is served', async () => {
    const pair = linkPair()
    let open = 0
    let most = 0
    serveHttp2(
      pair.link,
      (stream) => {
        open += 1
        most = Math.max(most, open)
        stream.onClose(() => {
          open -= 1
        })
        setImmediate(() => {
          stream.respond(200)
          stream.end()
        })
      },
      { maxConcurrentStreams: 3 },
    )
    const client = connect('http://x', { createConnection: () => pair.client })
    await once(client, 'remoteSettings')
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const stream = client.request(request)
        await once(stream, 'response')
        stream.resume()
        await once(stream, 'close')
      }),
    )
    assert.ok(most <= 3)
    client.destroy()
  })
})
