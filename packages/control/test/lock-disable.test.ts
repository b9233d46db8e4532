// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromBase64, toBase64 } from '@signet/codec'
import { aumHash, aumHashText, disablementValue, EMPTY_AUM } from '@signet/tka'
import { lockPosition, lockSignalFor, lockSignalJson } from '../src/map/lock-signal.ts'
import { lockTailnet, SECRET } from './support/lock.ts'
import { openTestServer } from './support/server.ts'
import type { Machine, TestServer, TkaReply } from './support/server.ts'

const disable = (by: Machine, secret: Uint8Array): Promise<TkaReply> =>
  by.tka('disable', { Head: '', DisablementSecret: toBase64(secret) })

async function lockAndUnlock(
  server: TestServer,
  by: Machine,
  secret: Uint8Array = SECRET,
): Promise<string> {
  const values = [await disablementValue(secret)]
  const head = aumHashText(aumHash(await lockTailnet(server, [by], { values })))
  const reply = await disable(by, secret)
  assert.equal(reply.status, 200, reply.text)
  return head
}

describe('disable', () => {
  it('ends the lock with a right secret only, and keeps the secret as proof', async () => {
    using server = openTestServer()
    const a = server.join('a')
    await lockTailnet(server, [a])
    assert.equal((await disable(a, new Uint8Array(32))).status, 403)
    assert.equal((await disable(a, new Uint8Array())).status, 400)
    assert.equal((await disable(a, new Uint8Array(2_000))).status, 400)
    assert.ok(server.tailnet.lock.active)
    assert.equal((await disable(a, SECRET)).status, 200)
    assert.equal(server.tailnet.lock.active, null)
    assert.deepEqual(server.restart().tailnet.lock.retired[0]!.row.disablementSecret, SECRET)
    assert.equal((await disable(a, SECRET)).status, 404)
  })

  it('is for owners and admins', async () => {
    using server = openTestServer()
    const [a, member] = [server.join('a'), server.join('m', 'member')]
    await lockTailnet(server, [a])
    assert.equal((await disable(member, SECRET)).status, 403)
    assert.ok(server.tailnet.lock.active)
  })

  it('may be tried a few times a minute', async () => {
    using server = openTestServer()
    const a = server.join('a')
    await lockTailnet(server, [a])
    for (let time = 0; time < 5; time++) {
      assert.equal((await disable(a, new Uint8Array(32))).status, 403)
    }
    assert.equal((await disable(a, SECRET)).status, 429)
    server.clock.advance(60_000)
    assert.equal((await disable(a, SECRET)).status, 200)
  })

  it('has one winner when it is asked for twice at once', async () => {
    using server = openTestServer()
    const a = server.join('a')
    await lockTailnet(server, [a])
    const replies = await Promise.all([disable(a, SECRET), disable(a, SECRET)])
    assert.deepEqual(
      replies.map((reply) => reply.status).sort((x, y) => x - y),
      [200, 404],
    )
    assert.equal(server.tailnet.lock.retired.length, 1)
  })
})

describe('bootstrap', () => {
  it('gives the secret of the authority that a node still follows', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const first = await lockAndUnlock(server, a)
    const other = new Uint8Array(32).fill(9)
    const second = await lockAndUnlock(server, a, other)
    for (const [Head, secret] of [
      [first, SECRET],
      [second, other],
      [aumHashText(aumHash(EMPTY_AUM)), other],
    ] as const) {
      const reply = await a.tka('bootstrap', { Head })
      assert.deepEqual(Buffer.from(fromBase64(reply.json.DisablementSecret)), Buffer.from(secret))
      assert.equal(reply.json.GenesisAUM, undefined)
    }
    const fresh = await a.tka('bootstrap', { Head: '' })
    assert.deepEqual(fresh.json, {})
  })

  it('gives no secret of an authority that is not over', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const old = await lockAndUnlock(server, a)
    const head = aumHashText(aumHash(await lockTailnet(server, [a])))
    const reply = await a.tka('bootstrap', { Head: head })
    assert.equal(reply.json.DisablementSecret, undefined)
    assert.ok(reply.json.GenesisAUM)
    const sleeper = await a.tka('bootstrap', { Head: old })
    assert.ok(sleeper.json.DisablementSecret)
    assert.equal((await a.tka('bootstrap', { Head: 'nonsense' })).status, 400)
  })
})

describe('lockSignalFor() tells each node what gets it where it should be', () => {
  const unknown = aumHashText(aumHash(EMPTY_AUM))

  it('never locked', () => {
    using server = openTestServer()
    const { lock } = server.tailnet
    assert.equal(lockSignalJson(lockSignalFor(lock, '')), null)
    assert.equal(lockPosition(lock, ''), 'off')
    assert.equal(lockSignalJson(lockSignalFor(lock, unknown)), '{"Disabled":true}')
    assert.equal(lockPosition(lock, unknown), 'unknown')
  })

  it('locked', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const retired = await lockAndUnlock(server, a)
    const head = aumHashText(aumHash(await lockTailnet(server, [a])))
    const { lock } = server.tailnet
    const on = `{"Head":"${head}"}`
    const rows: [reported: string, position: string, json: string][] = [
      ['', 'pending', on],
      [head, 'in-sync', on],
      [retired, 'retired', '{"Disabled":true}'],
      [unknown, 'unknown', on],
    ]
    for (const [reported, position, json] of rows) {
      assert.equal(lockPosition(lock, reported), position)
      assert.equal(lockSignalJson(lockSignalFor(lock, reported)), json)
    }
  })

  it('unlocked', async () => {
    using server = openTestServer()
    const head = await lockAndUnlock(server, server.join('a'))
    const { lock } = server.tailnet
    assert.equal(lockSignalJson(lockSignalFor(lock, head)), '{"Disabled":true}')
    assert.equal(lockPosition(lock, head), 'retired')
    assert.equal(lockPosition(lock, ''), 'off')
  })
})
