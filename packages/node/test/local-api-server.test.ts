// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { NodeError } from '../src/errors.ts'
import { createNotifyBus } from '../src/local-api/bus.ts'
import { emptyReply, jsonReply, type ApiRoute } from '../src/local-api/http.ts'
import { serveLocalApi } from '../src/local-api/server.ts'

type Reply = { status: number; headers: Record<string, unknown>; body: string }

function call(
  socketPath: string,
  method: string,
  path: string,
  headers: Record<string, string> = { Host: 'local-tailscaled.sock' },
  body?: string,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { socketPath, method, path, headers, setHost: false, agent: false },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

const echo: ApiRoute = {
  path: 'echo',
  methods: {
    GET: (r) => jsonReply(JSON.stringify({ q: r.query.get('q') })),
    POST: (r) => jsonReply(JSON.stringify({ size: r.body.length })),
  },
  bodyLimit: 10,
}
const failing: ApiRoute = {
  path: 'failing',
  methods: {
    GET: () => {
      throw new NodeError('lock-off', 'tailnet lock is not active')
    },
    POST: () => Promise.reject(new Error('oops')),
  },
}

async function serve(t: TestContext, routes: readonly ApiRoute[]): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'signet-api-'))
  const socketPath = join(directory, 'node.sock')
  const server = await serveLocalApi({
    socketPath,
    routes,
    version: '1.2.3',
    capability: 145,
    onError: () => undefined,
  })
  t.after(async () => {
    await server.close()
    rmSync(directory, { recursive: true, force: true })
  })
  return socketPath
}

test('serveLocalApi() answers with the official headers on a socket for its owner only', async (t) => {
  const socketPath = await serve(t, [echo])
  assert.equal(statSync(socketPath).mode & 0o777, 0o600)
  const reply = await call(socketPath, 'GET', '/localapi/v0/echo?q=a%20b')
  assert.equal(reply.status, 200)
  assert.equal(reply.body, '{"q":"a b"}')
  assert.equal(reply.headers['tailscale-version'], '1.2.3')
  assert.equal(reply.headers['tailscale-cap'], '145')
})

const local = { Host: 'local-tailscaled.sock' }
for (const [name, headers, status] of [
  ['a Host of its own', { Host: 'evil.example' }, 403],
  ['localhost as Host', { Host: 'localhost' }, 403],
  ['an Origin', { ...local, Origin: 'http://evil.example' }, 403],
  ['a null Origin', { ...local, Origin: 'null' }, 403],
  ['a Referer', { ...local, Referer: 'http://evil.example/' }, 403],
  ['an empty Host', { Host: '' }, 200],
] as const) {
  test(`serveLocalApi() answers ${status} to a call with ${name}`, async (t) => {
    const socketPath = await serve(t, [echo])
    assert.equal((await call(socketPath, 'GET', '/localapi/v0/echo', headers)).status, status)
  })
}

test('serveLocalApi() names path, method and size that it does not take', async (t) => {
  const socketPath = await serve(t, [echo])
  assert.equal((await call(socketPath, 'GET', '/localapi/v0/none')).status, 404)
  assert.equal((await call(socketPath, 'GET', '/localapi/v1/echo')).status, 404)
  const wrongMethod = await call(socketPath, 'DELETE', '/localapi/v0/echo')
  assert.equal(wrongMethod.status, 405)
  assert.match(wrongMethod.body, /use GET or POST/)
  const post = (body: string): Promise<Reply> =>
    call(socketPath, 'POST', '/localapi/v0/echo', local, body)
  assert.equal((await post('0123456789')).status, 200)
  assert.equal((await post('0123456789a')).status, 413)
})

test('serveLocalApi() maps an error to its status and shows its text', async (t) => {
  const socketPath = await serve(t, [failing])
  const known = await call(socketPath, 'GET', '/localapi/v0/failing')
  assert.equal(known.status, 409)
  assert.equal(known.body, 'tailnet lock is not active\n')
  assert.equal((await call(socketPath, 'POST', '/localapi/v0/failing', local, '')).status, 500)
})

test('serveLocalApi() takes over the socket of a dead process, not of a live one', async (t) => {
  const socketPath = await serve(t, [echo])
  const second = serveLocalApi({
    socketPath,
    routes: [],
    version: '',
    capability: 1,
    onError: () => undefined,
  })
  await assert.rejects(second, { name: 'NodeError', code: 'state-in-use' })

  const stale = join(mkdtempSync(join(tmpdir(), 'signet-api-')), 'node.sock')
  writeFileSync(stale, '')
  const server = await serveLocalApi({
    socketPath: stale,
    routes: [echo],
    version: '',
    capability: 1,
    onError: () => undefined,
  })
  assert.equal((await call(stale, 'GET', '/localapi/v0/echo')).status, 200)
  await server.close()
})

test('createNotifyBus() tells the present at once, then every change, until the watcher leaves', async (t) => {
  const bus = createNotifyBus<{ n: number }>((message) => `${JSON.stringify(message)}\n`)
  const watchRoute: ApiRoute = { path: 'watch', methods: { GET: () => bus.watch({ n: 0 }) } }
  const socketPath = await serve(t, [
    watchRoute,
    { path: 'x', methods: { POST: () => emptyReply() } },
  ])
  const lines = await new Promise<string>((resolve, reject) => {
    const sent = request(
      { socketPath, path: '/localapi/v0/watch', headers: local, setHost: false, agent: false },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          if (text === '') setImmediate(() => bus.publish({ n: 1 }))
          text += chunk
          if (text.split('\n').length === 3) {
            response.destroy()
            resolve(text)
          }
        })
      },
    )
    sent.on('error', reject)
    sent.end()
  })
  assert.equal(lines, '{"n":0}\n{"n":1}\n')
  while (bus.watcherCount() > 0) await new Promise((resolve) => setImmediate(resolve))
})
