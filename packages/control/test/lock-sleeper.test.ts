// SPDX-License-Identifier: Apache-2.0

/**
 * A node that slept while the lock changed: what it is told and given, until it is in sync, without anybody typing.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromBase64, toBase64 } from '@signet/codec'
import { generateLockKey } from '@signet/keys'
import {
  aumHashText,
  bootstrapAuthority,
  checkDisablement,
  createMemoryStore,
  decodeAum,
  informAuthority,
  syncOffer,
  syncOfferText,
} from '@signet/tka'
import type { Aum, Authority } from '@signet/tka'
import { lockPosition } from '../src/map/lock-signal.ts'
import { buildUpdates, lockTailnet, SECRET, sendUpdates, trusted } from './support/lock.ts'
import { openTestServer } from './support/server.ts'
import type { Machine, TestServer } from './support/server.ts'
import { openViewer } from './support/viewer.ts'

/** Begins with a genesis and follows to the head, as nodes do. */
async function follow(machine: Machine, genesis: Aum): Promise<Authority> {
  const store = createMemoryStore({ now: () => 0 })
  const begun = bootstrapAuthority(store, genesis)
  const { head, ancestors } = syncOfferText(syncOffer(begun))
  const reply = await machine.tka('sync/offer', { Head: head, Ancestors: ancestors })
  const updates: Aum[] = reply.json.MissingAUMs.map((text: string) => decodeAum(fromBase64(text)))
  return updates.length === 0 ? begun : informAuthority(begun, store, updates)
}

function report(server: TestServer, machine: Machine, authority: Authority | null): void {
  void server.tailnet.note({
    ...machine.row(),
    reportedHead: authority === null ? '' : aumHashText(authority.head),
    reportedHeadAt: server.clock.now(),
  })
}

async function change(server: TestServer, by: Machine, count: number): Promise<void> {
  const updates = buildUpdates(server, [by], (builder) => {
    for (let n = 0; n < count; n++) builder.addKey(trusted(generateLockKey()))
  })
  assert.equal((await sendUpdates(by, updates)).status, 200)
}

const end = (by: Machine): Promise<unknown> =>
  by.tka('disable', { Head: '', DisablementSecret: toBase64(SECRET) })

async function asleep() {
  const server = openTestServer()
  const [a, sleeper] = [server.join('a'), server.join('sleeper')]
  const genesis = await lockTailnet(server, [a])
  await change(server, a, 3)
  const authority = await follow(sleeper, genesis)
  report(server, sleeper, authority)
  return { server, a, sleeper, authority }
}

describe('a node that slept', () => {
  it('through the end of the lock is told, and given the proof that it asks for', async () => {
    const { server, a, sleeper, authority } = await asleep()
    using _ = server
    await change(server, a, 2)
    await end(a)
    const viewer = openViewer(server, sleeper)
    server.runtime.sessions.flush()
    assert.equal(viewer.take()[0]!.TKAInfo!.Disabled, true)
    const proof = await sleeper.tka('bootstrap', { Head: aumHashText(authority.head) })
    assert.ok(await checkDisablement(authority.state, fromBase64(proof.json.DisablementSecret)))
    report(server, sleeper, null)
    assert.equal(lockPosition(server.tailnet.lock, sleeper.row().reportedHead), 'off')
    viewer.close()
  })

  it('through an end and a new beginning lets go of the old lock first, then follows', async () => {
    const { server, a, sleeper, authority } = await asleep()
    using _ = server
    await end(a)
    await lockTailnet(server, [a])
    await change(server, a, 4)
    const viewer = openViewer(server, sleeper)
    server.runtime.sessions.flush()
    assert.equal(viewer.take()[0]!.TKAInfo!.Disabled, true)
    const proof = await sleeper.tka('bootstrap', { Head: aumHashText(authority.head) })
    assert.ok(await checkDisablement(authority.state, fromBase64(proof.json.DisablementSecret)))
    report(server, sleeper, null)
    server.runtime.sessions.flush()
    const { headText } = server.tailnet.lock.active!
    assert.deepEqual(
      viewer.take().flatMap((message) => message.TKAInfo?.Head ?? []),
      [headText],
    )
    const begun = await sleeper.tka('bootstrap', { Head: '' })
    assert.equal(begun.json.DisablementSecret, undefined)
    const next = await follow(sleeper, decodeAum(fromBase64(begun.json.GenesisAUM)))
    report(server, sleeper, next)
    assert.equal(lockPosition(server.tailnet.lock, sleeper.row().reportedHead), 'in-sync')
    viewer.close()
  })

  it('through two locks that came and went is given the proof for its own', async () => {
    const { server, a, sleeper, authority } = await asleep()
    using _ = server
    await end(a)
    await lockTailnet(server, [a])
    await end(a)
    const restarted = server.restart()
    const same = restarted.machine('sleeper', sleeper)
    const proof = await same.tka('bootstrap', { Head: aumHashText(authority.head) })
    assert.ok(await checkDisablement(authority.state, fromBase64(proof.json.DisablementSecret)))
  })
})
