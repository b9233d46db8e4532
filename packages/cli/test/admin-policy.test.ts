// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { fakeNode, signet, type Answer, type CliResult, type FakeNode } from './fake-node.ts'

const inForce = { path: '/var/lib/policy.json', policy: '{"acls": []}', summary: '1 acls' }

async function server(
  t: TestContext,
  answers: Readonly<Record<string, unknown>>,
): Promise<FakeNode & { admin(words: string, input?: string): Promise<CliResult> }> {
  const entries = Object.entries(answers).map(([what, body]): [string, Answer] => [
    what,
    { body: JSON.stringify(body) },
  ])
  const fake = await fakeNode(t, Object.fromEntries(entries), '/api/v1')
  return {
    ...fake,
    admin: (words, input) =>
      signet(
        ['admin', ...words.split(' '), '--socket', fake.socket],
        input === undefined ? {} : { input },
      ),
  }
}

const bodyOf = (fake: FakeNode): unknown => JSON.parse(fake.calls.at(-1)?.body.toString() ?? '')

describe('admin policy', () => {
  test('get prints the policy alone, and says on the other side that there is none', async (t) => {
    const some = await server(t, { 'GET /policy': inForce })
    assert.equal((await some.admin('policy get')).out, '{"acls": []}\n')
    const none = await server(t, {
      'GET /policy': { ...inForce, policy: null, summary: 'no policy: every node' },
    })
    const result = await none.admin('policy get')
    assert.equal(result.out, '')
    assert.match(result.err, /no policy: every node/)
  })

  for (const [verb, call] of [
    ['check', 'POST /policy/check'],
    ['set', 'PUT /policy'],
  ] as const) {
    test(`${verb} sends what it reads, as it is`, async (t) => {
      const fake = await server(t, { [call]: inForce })
      const result = await fake.admin(`policy ${verb} -`, '// mine\n{}')
      assert.equal(result.code, 0, result.err)
      assert.match(result.out, /1 acls/)
      assert.equal(fake.calls.at(-1)?.what, call)
      assert.deepEqual(bodyOf(fake), { policy: '// mine\n{}' })
    })
  }

  test('names the file that it cannot read', async (t) => {
    const fake = await server(t, {})
    const result = await fake.admin('policy set /nonexistent')
    assert.notEqual(result.code, 0)
    assert.match(result.err, /Cannot read \/nonexistent/)
    assert.equal(fake.calls.length, 0)
  })

  test('reload says which policy is in force', async (t) => {
    const fake = await server(t, { 'POST /reload': { policy: '1 acls' } })
    assert.match((await fake.admin('reload')).out, /Policy: 1 acls\./)
  })
})

describe('admin nodes', () => {
  test('ping says how far it is, or why there is no answer', async (t) => {
    const pong = { error: '', seconds: 0.0042, via: '192.0.2.1:1' }
    const fake = await server(t, { 'POST /nodes/a/ping': pong })
    const result = await fake.admin('nodes ping a b --type TSMP')
    assert.equal(result.out, 'pong from b to a via 192.0.2.1:1 in 4ms\n')
    assert.deepEqual(bodyOf(fake), { to: 'b', type: 'TSMP' })
    const lost = await server(t, { 'POST /nodes/a/ping': { ...pong, error: 'no path' } })
    const failed = await lost.admin('nodes ping a b')
    assert.notEqual(failed.code, 0)
    assert.match(failed.err, /a to b: no path/)
  })

  test('debug and c2n print what the node answers', async (t) => {
    const reply = { status: 200, contentType: 'application/json', body: '{"a":1}', isBase64: false }
    const fake = await server(t, { 'POST /nodes/a/c2n': reply })
    assert.equal((await fake.admin('nodes debug a health')).out, '{\n  "a": 1\n}\n')
    assert.deepEqual(bodyOf(fake), { method: 'GET', path: '/debug/health' })
    await fake.admin('nodes c2n a post /update')
    assert.deepEqual(bodyOf(fake), { method: 'POST', path: '/update' })
    const unknown = await fake.admin('nodes debug a everything')
    assert.match(unknown.err, /none of health, netmap/)
  })

  test('c2n fails when the node refuses', async (t) => {
    const reply = {
      status: 400,
      contentType: 'text/plain',
      body: 'no such path\n',
      isBase64: false,
    }
    const fake = await server(t, { 'POST /nodes/a/c2n': reply })
    const result = await fake.admin('nodes c2n a GET /x')
    assert.notEqual(result.code, 0)
    assert.match(result.err, /a answered 400: no such path/)
  })
})
