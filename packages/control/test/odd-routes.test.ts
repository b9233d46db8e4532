// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { MAX_ODD_BODY_BYTES, MIN_CAPABILITY_VERSION } from '../src/limits.ts'
import { connectMachine, startRealServer } from './support/real-client.ts'
import type { RealServer } from './support/real-client.ts'

describe('what this server does not do', () => {
  let server: RealServer
  let machine: Awaited<ReturnType<typeof connectMachine>>
  let other: typeof machine

  before(async () => {
    server = await startRealServer()
    machine = await connectMachine(server, 'a')
    other = await connectMachine(server, 'b')
    for (const each of [machine, other]) await each.register(await server.authKey())
  })
  after(async () => {
    machine.close()
    other.close()
    await server[Symbol.asyncDispose]()
  })

  const send = async (
    method: string,
    path: string,
    body: unknown,
  ): Promise<{ status: number; text: string }> => {
    const response = await machine.connection.request({
      // The method is whatever a client might send.
      method: method as 'POST',
      path: `/machine/${path}`,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return {
      status: response.status,
      text: Buffer.from(await response.body(1 << 20)).toString(),
    }
  }
  const mine = (fields: Record<string, unknown> = {}) => ({
    Version: 145,
    NodeKey: machine.nodePublic,
    ...fields,
  })

  const rows: readonly (readonly [string, string, Record<string, unknown>, number, RegExp])[] = [
    ['POST', 'feature/query', { Feature: 'serve' }, 200, /"Text":"HTTPS is not available/],
    ['POST', 'feature/query', { Feature: 'funnel' }, 200, /"Text":"Funnel is not available/],
    ['POST', 'feature/query', { Feature: 'x' }, 200, /does not have the feature/],
    ['POST', 'set-dns', { Name: 'a', Type: 'TXT', Value: 'b' }, 501, /publishes no DNS records/],
    ['POST', 'id-token', { CapVersion: 145, Audience: 'x' }, 501, /no identity tokens/],
    ['PATCH', 'set-device-attr', { Update: { a: 1 } }, 501, /nodeAttrs in the policy/],
    ['POST', 'audit-log', { Action: 'DISCONNECT_NODE', Details: 'x' }, 204, /^$/],
    ['POST', 'update-health', { Subsys: 'x' }, 200, /^\{\}$/],
    ['GET', 'whoami', {}, 200, /"Name":"a\.default\.signet\.internal\."/],
    ['POST', 'webclient/init/1/to/2', {}, 501, /web interface/],
    ['POST', 'webclient/wait/1/to/2/3', {}, 501, /web interface/],
    ['POST', 'c2n/nobody', {}, 404, /Nobody waits/],
    ['GET', 'feature/query', {}, 405, /takes POST/],
  ]
  for (const [method, path, fields, status, text] of rows) {
    it(`${method} ${path} ${JSON.stringify(fields)} answers ${status}`, async () => {
      const reply = await send(method, path, mine(fields))
      assert.equal(reply.status, status, reply.text)
      assert.match(reply.text, text)
      assert.ok(reply.text.length <= 200 || status === 200)
    })
  }

  for (const path of ['feature/query', 'set-dns', 'id-token', 'audit-log']) {
    it(`${path} speaks for the caller's own node only`, async () => {
      const reply = await send('POST', path, { NodeKey: other.nodePublic })
      assert.equal(reply.status, 401)
    })

    it(`${path} refuses what is no JSON, and what is too long`, async () => {
      assert.equal((await send('POST', path, '{')).status, 400)
      assert.equal((await send('POST', path, ' '.repeat(MAX_ODD_BODY_BYTES))).status, 400)
      assert.equal((await send('POST', path, ' '.repeat(MAX_ODD_BODY_BYTES + 1))).status, 413)
    })
  }

  it('old clients, in words that they print: register and map', async () => {
    const old = MIN_CAPABILITY_VERSION - 1
    const registered = await machine.register(null, { Version: old })
    assert.match(registered.json.Error, /too old.*113.*1\.80/)
    assert.ok(registered.json.Error.length <= 200)
    const map = await machine.report({ Version: old })
    assert.equal(map.status, 400)
    assert.match(map.text, /too old.*113.*1\.80/)
    assert.ok(map.text.length <= 200)
    assert.equal((await machine.report({ Version: MIN_CAPABILITY_VERSION })).status, 200)
  })
})
