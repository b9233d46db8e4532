// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeUtf8, encodeUtf8 } from '@signet/codec'
import { machinePublicOf } from '@signet/keys'
import { MAX_NODE_CALLS, NODE_CALL_MS } from '../src/limits.ts'
import { parseHttpReply } from '../src/machine/http-reply.ts'
import { connectMachine, startRealServer } from './support/real-client.ts'
import { openTestServer } from './support/server.ts'
import type { Machine, TestServer } from './support/server.ts'
import { openViewer } from './support/viewer.ts'

function ask(server: TestServer, machine: Machine) {
  const node = server.tailnet.nodes.get(machine.row().id)
  if (node === undefined) throw new Error('no such node')
  const { sessions } = server.runtime
  return server.services.calls.ask({ node, sessions }, { Types: 'c2n', Payload: encodeUtf8('x') })
}

const idOf = (url: string | undefined): string => url?.split('/').at(-1) ?? ''

describe('questions to nodes', () => {
  it('come in a frame of their own, after the first, each with an address of its own', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const viewer = openViewer(server, a)
    const asked = [ask(server, a), ask(server, a)]
    server.runtime.sessions.flush()
    const [first, ...questions] = viewer.take()
    assert.ok(first?.Node)
    assert.equal(first.PingRequest, undefined)
    assert.equal(questions.length, 2)
    for (const { PingRequest } of questions) {
      assert.match(
        PingRequest?.URL ?? '',
        /^https:\/\/server\.example:8080\/machine\/c2n\/[\w-]{32}$/,
      )
      assert.equal(PingRequest?.URLIsNoise, true)
      assert.equal(PingRequest.Types, 'c2n')
    }
    const ids = questions.map(({ PingRequest }) => idOf(PingRequest?.URL))
    assert.notEqual(ids[0], ids[1])
    for (const [index, id] of ids.entries()) {
      server.services.calls.answer(id, machinePublicOf(a.machineKey), encodeUtf8(`${index}`))
    }
    assert.deepEqual((await Promise.all(asked)).map(decodeUtf8), ['0', '1'])
  })

  it('survive a full message, a client that does not read, and a new stream', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const viewer = openViewer(server, a)
    server.runtime.sessions.flush()
    viewer.stall()
    server.join('b')
    server.runtime.sessions.flush()
    viewer.take()
    const asked = ask(server, a)
    server.runtime.sessions.wake('full')
    server.runtime.sessions.flush()
    assert.deepEqual(viewer.take(), [])
    const next = openViewer(server, a)
    server.runtime.sessions.flush()
    const [full, question, ...others] = next.take()
    assert.ok(full?.Peers)
    assert.equal(others.length, 0)
    const id = idOf(question?.PingRequest?.URL)
    server.services.calls.answer(id, machinePublicOf(a.machineKey), encodeUtf8('ok'))
    assert.equal(decodeUtf8(await asked), 'ok')
  })

  it('are answered by the machine that was asked, once, and by nobody else', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const b = server.join('b')
    const viewer = openViewer(server, a)
    server.runtime.sessions.flush()
    viewer.take()
    const asked = ask(server, a)
    server.runtime.sessions.flush()
    const { calls } = server.services
    const id = idOf(viewer.take()[0]?.PingRequest?.URL)
    const keyOf = (machine: Machine) => machinePublicOf(machine.machineKey)
    assert.equal(calls.isExpected(id, keyOf(b)), false)
    assert.throws(() => calls.answer(id, keyOf(b), encodeUtf8('lie')), { code: 'not-found' })
    calls.answer(id, keyOf(a), encodeUtf8('true'))
    assert.throws(() => calls.answer(id, keyOf(a), encodeUtf8('twice')), { code: 'not-found' })
    assert.equal(decodeUtf8(await asked), 'true')
  })

  it('are given up after a while, and no longer sent then', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const viewer = openViewer(server, a)
    server.runtime.sessions.flush()
    viewer.take()
    viewer.stall()
    server.join('b')
    server.runtime.sessions.flush()
    viewer.take()
    const asked = ask(server, a)
    server.clock.advance(NODE_CALL_MS)
    await assert.rejects(asked, { code: 'timeout' })
    viewer.resume()
    server.runtime.sessions.flush()
    assert.deepEqual(
      viewer.take().filter(({ PingRequest }) => PingRequest !== undefined),
      [],
    )
  })

  it('are not asked of a node that is away, nor more than a few at once', async () => {
    using server = openTestServer()
    const a = server.join('a')
    await assert.rejects(ask(server, a), { code: 'conflict' })
    openViewer(server, a)
    const asked = Array.from({ length: MAX_NODE_CALLS }, () => ask(server, a))
    await assert.rejects(ask(server, a), { code: 'limit' })
    server.clock.advance(NODE_CALL_MS)
    const ended = await Promise.allSettled(asked)
    assert.ok(ended.every(({ status }) => status === 'rejected'))
  })

  it('go through the control connection, with what the node says as the answer', async () => {
    await using server = await startRealServer()
    const machine = await connectMachine(server, 'a')
    await machine.register(await server.authKey())
    const stream = await machine.stream()
    await stream.next()
    const asked = server.admin('POST', '/nodes/a/c2n', { method: 'GET', path: '/echo' })
    const { PingRequest } = await stream.next((message) => message.PingRequest !== undefined)
    assert.match(decodeUtf8(PingRequest?.Payload ?? new Uint8Array()), /^GET \/echo HTTP\/1\.1\r\n/)
    const path = new URL(PingRequest?.URL ?? '').pathname
    const wrong = await machine.post('POST', `${path}x`, 'HTTP/1.1 200 OK\r\n\r\nlie')
    assert.equal(wrong.status, 404)
    const reply = await machine.post('POST', path, 'HTTP/1.1 200 OK\r\n\r\n{"a":1}')
    assert.equal(reply.status, 204)
    assert.deepEqual((await asked).json, {
      status: 200,
      contentType: '',
      body: '{"a":1}',
      isBase64: false,
    })
    stream.cancel()
    machine.close()
  })
})

describe('parseHttpReply()', () => {
  const parse = (text: string) => {
    const { status, body } = parseHttpReply(encodeUtf8(text))
    return `${status} ${decodeUtf8(body)}`
  }

  it('reads a body with a length, in chunks, or to the end', () => {
    assert.equal(parse('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc'), '200 ab')
    assert.equal(
      parse(
        'HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n',
      ),
      '400 abc',
    )
    assert.equal(parse('HTTP/1.0 204\r\n\r\n'), '204 ')
    assert.equal(parse('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc'), '200 abc')
  })

  const refused: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['headers without an end', 'HTTP/1.1 200 OK\r\n'],
    ['no status', 'HTTP/1.1 OK\r\n\r\n'],
    ['another protocol', 'SSH-2.0-x\r\n\r\n'],
    ['a header without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n'],
    ['a length past the end', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na'],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\na'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n'],
    ['a chunk past the end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\na\r\n'],
    ['chunks without an end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n'],
    ['headers without limit', `HTTP/1.1 200 OK\r\nA: ${'a'.repeat(16 << 10)}\r\n\r\n`],
  ]
  for (const [what, text] of refused) {
    it(`refuses ${what}`, () => assert.throws(() => parse(text), { code: 'bad-request' }))
  }
})
