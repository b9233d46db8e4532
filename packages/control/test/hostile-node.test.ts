// SPDX-License-Identifier: Apache-2.0

/**
 * A node that was let in and says about itself what would hurt its peers, or asks for more than its share: one bad
 * node must not break everybody's map.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  AUDIT_LOGS_PER_MINUTE,
  MAP_REQUESTS_PER_MINUTE,
  MAX_CLIENT_INT,
  MAX_RELAY_REGION,
  MAX_WIRE_TIME_MS,
  WHOLE_MAP_COST,
} from '../src/limits.ts'
import { createFakeClock } from '@signet/testkit'
import { connectMachine, startRealServer } from './support/real-client.ts'
import { openTestServer } from './support/server.ts'
import { openViewer } from './support/viewer.ts'

describe('a hostile node', () => {
  it('has no numbers shown that its peers could not read', async () => {
    await using server = await startRealServer()
    const bad = await connectMachine(server, 'bad')
    const key = await server.authKey()
    const refused = await bad.register(key, { Version: MAX_CLIENT_INT + 1 })
    assert.match(refused.json.Error, /capability version/)
    await bad.register(key, { Version: MAX_CLIENT_INT })
    const hosts: readonly (readonly [host: Record<string, unknown>, status: number])[] = [
      [{ Location: { Priority: MAX_CLIENT_INT + 1 } }, 400],
      [{ Location: { Priority: -MAX_CLIENT_INT - 2 } }, 400],
      [{ Location: { Priority: MAX_CLIENT_INT } }, 200],
      [{ NetInfo: { PreferredDERP: MAX_RELAY_REGION } }, 200],
      [{ NetInfo: { PreferredDERP: MAX_RELAY_REGION + 1 } }, 200],
    ]
    for (const [Hostinfo, status] of hosts) {
      const reply = await bad.report({ Hostinfo })
      assert.equal(reply.status, status, JSON.stringify(Hostinfo))
    }
    assert.equal((await bad.report({ Version: MAX_CLIENT_INT + 1 })).status, 400)
    const viewer = await connectMachine(server, 'viewer')
    await viewer.register(key)
    const stream = await viewer.stream()
    const [peer] = (await stream.next()).Peers ?? []
    assert.equal(peer?.Cap, 145)
    assert.equal(peer?.HomeDERP, MAX_RELAY_REGION)
    for (const each of [bad, viewer]) each.close()
  })

  it('has no endpoints shown that are as long as it likes', async () => {
    await using server = await startRealServer()
    const bad = await connectMachine(server, 'bad')
    const key = await server.authKey()
    await bad.register(key)
    const zone = 'x'.repeat(500_000)
    const Endpoints = ['192.0.2.1:1', `[fe80::1%${zone}]:1`, '[2001:db8::1]:1']
    assert.equal((await bad.report({ Endpoints })).status, 200)
    const viewer = await connectMachine(server, 'viewer')
    await viewer.register(key)
    const stream = await viewer.stream()
    const [peer] = (await stream.next()).Peers ?? []
    assert.deepEqual(peer?.Endpoints, ['192.0.2.1:1', '[2001:db8::1]:1'])
    for (const each of [bad, viewer]) each.close()
  })

  it('gets the whole network, and reports, only so often', async () => {
    await using server = await startRealServer({ clock: createFakeClock() })
    const bad = await connectMachine(server, 'bad')
    await bad.register(await server.authKey())
    const most = MAP_REQUESTS_PER_MINUTE / WHOLE_MAP_COST
    for (let count = 1; count < most; count++) {
      assert.equal((await bad.report({ OmitPeers: false })).status, 200)
    }
    for (let count = 0; count < WHOLE_MAP_COST; count++) {
      assert.equal((await bad.report()).status, 200)
    }
    assert.equal((await bad.report()).status, 429)
    await assert.rejects(bad.stream(), /429/)
    // Others are not concerned.
    const other = await connectMachine(server, 'other')
    await other.register(await server.authKey())
    assert.equal((await other.report()).status, 200)
    for (const each of [bad, other]) each.close()
  })

  it('does not fill the log', async () => {
    await using server = await startRealServer({ clock: createFakeClock() })
    const bad = await connectMachine(server, 'bad')
    await bad.register(await server.authKey())
    const body = { Version: 145, NodeKey: bad.nodePublic, Action: 'x'.repeat(60_000) }
    const say = async (): Promise<number> =>
      (await bad.post('POST', '/machine/audit-log', body)).status
    for (let count = 0; count < AUDIT_LOGS_PER_MINUTE; count++) assert.equal(await say(), 204)
    assert.equal(await say(), 429)
    bad.close()
  })

  it('has no expiry shown with a year of five digits', () => {
    using server = openTestServer({ keyLifetimeMs: null })
    const bad = server.join('bad')
    const viewer = openViewer(server, server.join('viewer'))
    bad.register({ Expiry: '9999-12-31T23:59:59-23:00' })
    assert.equal(bad.row().expiresAt, null)
    bad.register({ Expiry: '9999-12-31T23:59:58Z' })
    assert.equal(bad.row().expiresAt, MAX_WIRE_TIME_MS - 1_000)
    server.runtime.sessions.flush()
    assert.match(viewer.take()[0]?.Peers?.[0]?.KeyExpiry ?? '', /^9999-/)
  })
})
