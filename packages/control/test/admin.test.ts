// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import pino from 'pino'
import { generateMachineKey, machinePublicOf } from '@signet/keys'
import { adminReaders, readCertificate } from '@signet/protocol/admin-api'
import { adminApp } from '../src/admin/app.ts'
import { certificateStatus } from '../src/http/certificate-status.ts'
import { lockTailnet } from './support/lock.ts'
import { noRelay } from './support/no-relay.ts'
import { openTestServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { openViewer } from './support/viewer.ts'
import type { LooseJson } from './support/json.ts'

const publicKey = machinePublicOf(generateMachineKey())

function api(server: TestServer) {
  const app = adminApp({
    runtime: server.services.runtime,
    tailnets: server.services.tailnets,
    logins: server.services.logins,
    clock: server.clock,
    logger: pino({ level: 'silent' }),
    version: '0.0.0',
    url: () => 'http://server',
    publicKey,
    steering: server.steering,
    calls: server.services.calls,
    reload: () => server.steering.reload(),
    relay: noRelay,
    certificate: () => certificateStatus(undefined),
    backUp: () => Promise.resolve([]),
  })
  return async (
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; text: string; json: LooseJson }> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await app.request(`/api/v1${path}`, {
      method,
      ...(body !== undefined && { body: text }),
    })
    const answer = await response.text()
    return { status: response.status, text: answer, json: JSON.parse(answer) }
  }
}

describe('admin API, certificate', () => {
  it('tells of none where there is none', async () => {
    using server = openTestServer()
    assert.deepEqual(readCertificate((await api(server)('GET', '/certificate')).text), {
      source: 'none',
      names: [],
      until: null,
      nextTry: null,
      problem: null,
    })
  })
})

describe('admin API, users', () => {
  it('creates, lists, changes and deletes', async () => {
    using server = openTestServer()
    const call = api(server)
    assert.equal(
      adminReaders.user((await call('POST', '/users', { name: 'ann' })).text).role,
      'owner',
    )
    assert.equal(
      (await call('POST', '/users', { name: 'bob@example.net', role: 'admin' })).json.role,
      'admin',
    )
    assert.equal(
      (await call('PATCH', '/users/bob@example.net', { name: 'bob', role: 'member' })).json.role,
      'member',
    )
    const listed = adminReaders.users((await call('GET', '/users')).text)
    assert.deepEqual(
      listed.map((user) => user.name),
      ['ann', 'bob'],
    )
    assert.equal((await call('DELETE', '/users/bob')).status, 200)
    assert.equal((await call('DELETE', '/users/ann')).status, 409)
  })

  it('refuses what is wrong, with a code', async () => {
    using server = openTestServer()
    const call = api(server)
    await call('POST', '/users', { name: 'ann' })
    const cases: [method: string, path: string, body: unknown, status: number, code: string][] = [
      ['POST', '/users', { name: 'ann' }, 409, 'conflict'],
      ['POST', '/users', { name: '' }, 400, 'bad-request'],
      ['POST', '/users', { name: 'a b' }, 400, 'bad-request'],
      ['POST', '/users', { name: 'x', role: 'king' }, 400, 'bad-request'],
      ['POST', '/users', { name: 'x', extra: 1 }, 400, 'bad-request'],
      ['POST', '/users', 'not json', 400, 'bad-request'],
      ['POST', '/users', 'x'.repeat(70_000), 413, 'too-large'],
      ['PATCH', '/users/nobody', { role: 'admin' }, 404, 'not-found'],
      ['PATCH', '/users/ann', { role: 'member' }, 409, 'conflict'],
      ['DELETE', '/users/nobody', undefined, 404, 'not-found'],
      ['GET', '/users?tailnet=none', undefined, 404, 'not-found'],
      ['GET', '/nothing', undefined, 404, 'not-found'],
      ['PUT', '/users', {}, 404, 'not-found'],
      ['POST', '/keys', { user: 'nobody' }, 404, 'not-found'],
      ['POST', '/keys', { tags: ['x'] }, 400, 'bad-request'],
      ['POST', '/keys', { expiry: 0 }, 400, 'bad-request'],
      ['DELETE', '/keys/none', undefined, 404, 'not-found'],
      ['GET', '/nodes/none', undefined, 404, 'not-found'],
      ['PATCH', '/nodes/none', { name: 'x' }, 404, 'not-found'],
    ]
    for (const [method, path, body, status, code] of cases) {
      const answer = await call(method, path, body)
      assert.deepEqual([answer.status, answer.json.error.code], [status, code], `${method} ${path}`)
      assert.equal(adminReaders.error(answer.text)!.code, code)
    }
  })
})

describe('admin API, keys', () => {
  it('shows the secret once, makes an owner when there is nobody, and revokes', async () => {
    using server = openTestServer()
    const call = api(server)
    const made = adminReaders.newKey(
      (
        await call('POST', '/keys', {
          reusable: true,
          ephemeral: true,
          tags: ['tag:b', 'tag:a', 'tag:b'],
          expiry: 60,
        })
      ).text,
    )
    assert.match(made.key, /^tskey-auth-/)
    assert.deepEqual(made.tags, ['tag:a', 'tag:b'])
    assert.equal(made.user, 'owner')
    assert.equal(made.expiresAt, new Date(server.clock.now() + 60_000).toISOString())
    const listed = await call('GET', '/keys')
    assert.equal(listed.text.includes(made.key.split('-').at(-1)!), false)
    assert.equal(adminReaders.keys(listed.text)[0]!.id, made.id)
    assert.ok((await call('DELETE', `/keys/${made.id}`)).json.revokedAt)
    assert.match(server.machine('x').register({ Auth: { AuthKey: made.key } }).Error, /revoked/)
  })

  it('without a body makes a one-time key that is good for an hour', async () => {
    using server = openTestServer()
    const made = adminReaders.newKey((await api(server)('POST', '/keys')).text)
    assert.equal(made.reusable, false)
    assert.equal(made.expiresAt, new Date(server.clock.now() + 3_600_000).toISOString())
  })
})

describe('admin API, nodes', () => {
  it('lists, finds by id, stable id and name, renames, tags, expires, deletes', async () => {
    using server = openTestServer()
    const call = api(server)
    const machine = server.join('a')
    const { id, stableId } = machine.row()
    for (const ref of [id, stableId, 'a']) {
      assert.equal(adminReaders.node((await call('GET', `/nodes/${ref}`)).text).id, id)
    }
    assert.equal((await call('PATCH', '/nodes/a', { name: 'chosen' })).json.name, 'chosen')
    assert.equal((await call('PATCH', '/nodes/chosen', { name: 'No!' })).status, 400)
    server.join('b')
    assert.equal((await call('PATCH', '/nodes/b', { name: 'chosen' })).status, 409)
    const tagged = (await call('PATCH', '/nodes/chosen', { tags: ['tag:x'] })).json
    assert.deepEqual([tagged.tags, tagged.user], [['tag:x'], null])
    assert.equal(
      (await call('POST', '/nodes/chosen/expire')).json.expiry,
      new Date(server.clock.now()).toISOString(),
    )
    assert.equal((await call('DELETE', '/nodes/chosen')).json.id, id)
    assert.equal(adminReaders.nodes((await call('GET', '/nodes')).text).length, 1)
  })

  it('approves routes that a node offers, and peers get them', async () => {
    using server = openTestServer()
    const call = api(server)
    const [a, b] = [server.join('a'), server.join('b')]
    a.register({ Hostinfo: { Hostname: 'a', RoutableIPs: ['10.0.0.0/8', '0.0.0.0/0'] } })
    const viewer = openViewer(server, b)
    server.runtime.sessions.flush()
    assert.equal(viewer.take()[0]!.Peers![0]!.AllowedIPs!.length, 2)
    const node = adminReaders.node(
      (await call('POST', '/nodes/a/routes', { approve: ['10.0.0.0/8', '192.168.0.0/16'] })).text,
    )
    assert.deepEqual(node.advertisedRoutes, ['10.0.0.0/8', '0.0.0.0/0'])
    server.runtime.sessions.flush()
    const [message] = viewer.take()
    assert.deepEqual(message!.PeersChanged![0]!.AllowedIPs!.slice(2), ['10.0.0.0/8'])
    assert.deepEqual(message!.PeersChanged![0]!.PrimaryRoutes, ['10.0.0.0/8'])
    assert.equal((await call('POST', '/nodes/a/routes', { approve: ['nonsense'] })).status, 400)
    assert.equal((await call('POST', '/nodes/a/routes', { approve: ['10.1.2.3/8'] })).status, 400)
  })
})

describe('admin API, lock and server', () => {
  it('shows the lock and who has acknowledged it, and offers no way to change it', async () => {
    using server = openTestServer()
    const call = api(server)
    const [a, b] = [server.join('a'), server.join('b')]
    const off = adminReaders.lock((await call('GET', '/lock')).text)
    assert.deepEqual([off.enabled, off.head, off.trustedKeys], [false, null, []])
    await lockTailnet(server, [a])
    const lock = adminReaders.lock((await call('GET', '/lock')).text)
    assert.equal(lock.enabled, true)
    assert.match(lock.trustedKeys![0]!.key, /^tlpub:[0-9a-f]{64}$/)
    assert.equal(lock.updates, 1)
    server.tailnet.write((draft) => draft.putNode({ ...b.row(), reportedHead: lock.head! }))
    const acks = adminReaders.acks((await call('GET', '/lock/acks')).text)
    assert.deepEqual(
      acks.map((ack) => ack.state),
      ['pending', 'in-sync'],
    )
    assert.equal((await call('GET', '/nodes/a')).json.lock.signature, 'valid')
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      assert.equal((await call(method, '/lock')).status, 404)
    }
  })

  it('says what server it is', async () => {
    using server = openTestServer()
    const info = adminReaders.info((await api(server)('GET', '/info')).text)
    assert.deepEqual(
      { ...info },
      { version: '0.0.0', url: 'http://server', publicKey, tailnet: 'default' },
    )
  })
})
