// SPDX-License-Identifier: Apache-2.0

/**
 * The server dies between two halves of something, or comes back with less than it had.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { serverName } from '../processes/programs.ts'
import { until } from '../support/until.ts'
import { allUnderLock, lockKeyOf, lockOn, nodeKeyOf, pongBothWays, secretsIn } from './checks.ts'
import { createForwarder } from './forwarder.ts'
import { tailnet } from './lock-commands.ts'
import { scenario, type Part, type Scenario } from './scenario.ts'
import type { Member, Stage } from './stage.ts'

/** How late the wire is made, so that there is time between two messages. */
const SLOW_MS = 800
const DATABASE = ['signet.db', 'signet.db-wal', 'signet.db-shm']

/** Whether the server has an initialisation that was begun and not finished. */
function isBegun(stage: Stage): boolean {
  const path = join(stage.programs.stateDir(serverName), 'signet.db')
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    return db.prepare('SELECT 1 FROM pending_inits').get() !== undefined
  } finally {
    db.close()
  }
}

/** Two members, the first behind a wire that can be cut. */
async function behindWire(
  stage: Stage,
  parts: readonly [Part, Part],
): Promise<
  AsyncDisposable & {
    readonly a: Member
    readonly b: Member
    readonly wire: Awaited<ReturnType<typeof createForwarder>>
  }
> {
  await stage.serve()
  const wire = await createForwarder(stage.server.url)
  const a = await stage.joined(parts[0], 'a', { url: wire.url })
  const b = await stage.joined(parts[1], 'b')
  return { a, b, wire, [Symbol.asyncDispose]: () => wire[Symbol.asyncDispose]() }
}

const midInit = (part: Part): Scenario =>
  scenario(
    `order/g: server dies between the halves of init, ${part}`,
    [part, 'new'],
    async (stage) => {
      await using both = await behindWire(stage, [part, 'new'])
      const { a, b, wire } = both
      wire.delay('server', SLOW_MS)
      const words = ['lock', 'init', '--confirm', '--gen-disablements=1', await lockKeyOf(a)]
      const init = a.cli(words, 90_000)
      await until('init has begun', () => isBegun(stage))
      await stage.stopServer('SIGKILL')
      wire.cut()
      wire.delay('server', 0)
      await stage.serve()
      const { status, stdout, stderr } = await init
      const last = (stdout + stderr).trim().split('\n').at(-1) ?? ''
      stage.note(status === 0 ? 'init went through by itself' : `init said: ${last}`)
      if (status !== 0) {
        assert.equal((await stage.admin.lock()).enabled, false, 'it failed, and nothing happened')
        await a.is('is back', ({ Self }) => Self?.Online === true, 60_000)
        await lockOn([a])
      }
      await allUnderLock([a, b], 1)
      await pongBothWays(a, b)
    },
  )

/** The official command does not print the secrets then; ours does, on either daemon. */
const lostAnswer = (part: Part, by: 'own command' | 'our command' = 'own command'): Scenario =>
  scenario(
    `order/h: server dies before its answer to init, ${part}, ${by}`,
    [part, 'new'],
    async (stage) => {
      await using both = await behindWire(stage, [part, 'new'])
      const { a, b, wire } = both
      wire.delay('client', SLOW_MS)
      const words = ['lock', 'init', '--confirm', '--gen-disablements=1', await lockKeyOf(a)]
      const init = by === 'our command' ? stage.ours(a, words) : a.cli(words, 90_000)
      await until('the lock is on', async () => (await stage.admin.lock()).enabled)
      await stage.stopServer('SIGKILL')
      wire.cut()
      wire.delay('client', 0)
      await stage.serve()
      const { status, stdout, stderr } = await init
      const last = (stdout + stderr).trim().split('\n').at(-1) ?? ''
      const secrets = secretsIn(stdout)
      stage.note(
        `init ended with ${status} (${last}), ` +
          (secrets.length > 0 ? 'and printed the secret' : 'and did not print the secret'),
      )
      if (part === 'signet' || by === 'our command') {
        assert.equal(secrets.length, 1, 'our own command leaves nobody without')
      }
      assert.equal((await stage.admin.lock()).enabled, true)
      await allUnderLock([a, b], 1)
      await pongBothWays(a, b)
      // The keys are good: the lock can be changed as ever.
      await a.ok(['lock', 'add', await lockKeyOf(b)])
      await allUnderLock([a, b], 2)
      const [secret] = secrets
      if (secret !== undefined) await a.ok(['lock', 'disable', secret])
    },
  )

const oldBackup = (part: Part): Scenario =>
  scenario(
    `order/i: an older database is restored, ${part} heals it`,
    [part, 'new'],
    async (stage) => {
      const [a, b] = await tailnet(stage, [part, 'new'])
      if (a === undefined || b === undefined) throw new Error('Too few parts')
      await lockOn([a])
      await allUnderLock([a, b], 1)
      const from = stage.programs.stateDir(serverName)
      const backup = stage.programs.stateDir('backup')
      mkdirSync(backup)
      const copy = (source: string, target: string): void => {
        for (const name of DATABASE) rmSync(join(target, name), { force: true })
        for (const name of DATABASE) {
          cpSync(join(source, name), join(target, name), { force: true })
        }
      }
      await stage.stopServer('SIGKILL')
      copy(from, backup)
      await stage.serve()
      await a.is('is back', ({ Self }) => Self?.Online === true, 60_000)
      await a.ok(['lock', 'add', await lockKeyOf(b)])
      const head = await allUnderLock([a, b], 2)
      const updates = (await stage.admin.lock()).updates
      await stage.stopServer('SIGKILL')
      copy(backup, from)
      await stage.serve()
      assert.ok((await stage.admin.lock()).updates < updates, 'it forgot the last update')
      await until(
        'the nodes give it back',
        async () => (await stage.admin.lock()).updates === updates,
        { everyMs: 100, deadlineMs: 90_000 },
      )
      assert.equal(await allUnderLock([a, b], 2), head)
      // And it works on from there.
      const c = await stage.joined('new', 'c')
      await b.ok(['lock', 'sign', await nodeKeyOf(c), await lockKeyOf(c)])
      await allUnderLock([a, b, c], 2)
    },
    { deadlineMs: 180_000 },
  )

/** The rows. */
export const crashes: readonly Scenario[] = [
  midInit('new'),
  midInit('old'),
  midInit('signet'),
  lostAnswer('new'),
  lostAnswer('old'),
  lostAnswer('signet'),
  lostAnswer('new', 'our command'),
  oldBackup('new'),
  oldBackup('old'),
  oldBackup('signet'),
]
