// SPDX-License-Identifier: Apache-2.0

/**
 * A server that stops, dies and comes back: nobody types anything, everybody is back, the lock stays.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { until } from '../support/until.ts'
import { allUnderLock, lockOn, pongBothWays, pongs, sees } from './checks.ts'
import { tailnet } from './lock-commands.ts'
import { scenario, type Part, type Scenario } from './scenario.ts'
import type { Member, Stage } from './stage.ts'

/** Resolves when the server counts all members as online. */
async function allOnline(stage: Stage, count: number): Promise<void> {
  await until(
    `${count} nodes are online`,
    async () => (await stage.admin.nodes()).filter(({ online }) => online).length === count,
    { everyMs: 100, deadlineMs: 90_000 },
  )
}

/** Every member has a stream to the server: a change that the server makes now reaches all. */
async function allHear(stage: Stage, members: readonly Member[], name: string): Promise<void> {
  const [first, ...others] = members
  if (first === undefined) return
  await stage.owner(['nodes', 'rename', first.name, name])
  for (const other of others) {
    await sees(other, name, 'is heard of', (peer) => peer !== undefined, 90_000)
  }
}

const restarted = (signal: 'SIGTERM' | 'SIGKILL'): Scenario =>
  scenario(
    `server/ended by ${signal} with clients connected, lock on`,
    ['new', 'old', 'signet'],
    async (stage) => {
      const members = await tailnet(stage, ['new', 'old', 'signet'])
      const [a, b] = members
      if (a === undefined || b === undefined) throw new Error('Too few parts')
      await lockOn([a])
      const head = await allUnderLock(members, 1)
      await stage.stopServer(signal)
      await stage.serve()
      const began = performance.now()
      for (const { online } of await stage.admin.nodes()) {
        assert.ok(online, 'nobody is shown offline who only had no time to come back')
      }
      await allHear(stage, members, 'renamed')
      stage.note(`all back after ${((performance.now() - began) / 1000).toFixed(1)} s`)
      await allOnline(stage, 3)
      assert.equal(await allUnderLock(members, 1), head)
      await pongBothWays(a, b)
    },
    { deadlineMs: 180_000 },
  )

const gone = (parts: readonly [Part, Part]): Scenario =>
  scenario(
    `server/gone for a while, direct pings go on, ${parts.join(' and ')}`,
    parts,
    async (stage) => {
      const [a, b] = await tailnet(stage, parts)
      if (a === undefined || b === undefined) throw new Error('Too few parts')
      await lockOn([a])
      await allUnderLock([a, b])
      await pongBothWays(a, b, 'direct')
      await stage.stopServer('SIGKILL')
      // They notice that the line is dead, and nothing changes between them.
      await until('one notices', async () => (await a.local.status()).Health !== null)
      for (let round = 0; round < 5; round++) {
        await pongs(a, b, 'direct')
        await pongs(b, a, 'direct')
      }
      const { Enabled } = await a.local.lock.status()
      assert.ok(Enabled)
      await stage.serve()
      await allHear(stage, [a, b], 'renamed')
      await allUnderLock([a, b])
    },
    { deadlineMs: 180_000 },
  )

const asleep = scenario(
  'server/client restarted while the server is gone',
  ['new', 'new'],
  async (stage) => {
    const [a, b] = await tailnet(stage, ['new', 'new'])
    if (a === undefined || b === undefined) throw new Error('Too few parts')
    await lockOn([a])
    const head = await allUnderLock([a, b])
    await stage.stopServer('SIGTERM')
    await b.stop('SIGKILL')
    await b.start()
    await b.lockIs('keeps its lock on disk', ({ Enabled }) => Enabled)
    await stage.serve()
    await b.is('runs', ({ BackendState }) => BackendState === 'Running', 90_000)
    assert.equal(await allUnderLock([a, b]), head)
    await pongBothWays(a, b)
  },
  { deadlineMs: 180_000 },
)

/** The rows. */
export const serving: readonly Scenario[] = [
  restarted('SIGTERM'),
  restarted('SIGKILL'),
  gone(['new', 'new']),
  gone(['new', 'old']),
  asleep,
]
