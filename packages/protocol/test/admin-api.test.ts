// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createAdminClient, type ApiRequest } from '../src/admin-api.ts'

function recording(
  status: number,
  body: string,
): {
  readonly sent: ApiRequest[]
  readonly client: ReturnType<typeof createAdminClient>
} {
  const sent: ApiRequest[] = []
  const client = createAdminClient(
    {
      request: async (request) => {
        sent.push(request)
        return { status, statusText: 'Not Found', body: new TextEncoder().encode(body) }
      },
      lines: async function* () {},
    },
    'home net',
  )
  return { sent, client }
}

describe('createAdminClient()', () => {
  test('names the tailnet, and escapes what it puts into a path', async () => {
    const { sent, client } = recording(200, '{}')
    await client.deleteNode('../users/ann?x')
    assert.deepEqual(sent, [
      { method: 'DELETE', path: '/api/v1/nodes/..%2Fusers%2Fann%3Fx?tailnet=home%20net' },
    ])
  })

  test('sends bodies as JSON', async () => {
    const { sent, client } = recording(200, '{"key":"tskey-auth-a-b","id":"a"}')
    const made = await client.createKey({ user: 'ann', reusable: true })
    assert.equal(sent[0]?.body, '{"user":"ann","reusable":true}')
    assert.equal(made.key, 'tskey-auth-a-b')
    assert.equal(made.expiresAt, null)
  })

  test('reports the message of an error body', async () => {
    const { client } = recording(404, '{"error":{"code":"not-found","message":"No user ann"}}')
    await assert.rejects(client.deleteUser('ann'), { code: 'api-refused', message: 'No user ann' })
  })

  test('reports another error body as it is, and an empty one by its status', async () => {
    await assert.rejects(recording(404, 'oops\n').client.users(), { message: 'oops' })
    await assert.rejects(recording(404, '').client.users(), { message: '404 Not Found' })
  })

  test('refuses an answer of another shape', async () => {
    await assert.rejects(recording(200, '{"users":{}}').client.users(), { name: 'ProtocolError' })
  })
})
