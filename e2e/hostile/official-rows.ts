// SPDX-License-Identifier: Apache-2.0

/**
 * Every lie of the hostile suite, told to an official client. Each is a row of its own in the matrix, which fails
 * when the client does other than expected: when it falls for a lie, and when it no longer does.
 *
 * @module
 */

import { scenario, type Part, type Scenario } from '../official/scenario.ts'
import type { Stage } from '../official/stage.ts'
import type { MapLie, Mode } from '../support/lying-tailnet.ts'
import { until } from '../support/until.ts'
import { lockLies, type LockLie } from './authority-lies.ts'
import { expectedBreach } from './official-expected.ts'
import { inits } from './official-init.ts'
import { judgeLock, judgeRogue, type HostileRow, type Verdict } from './official-judge.ts'
import { history, rotations, starts } from './official-stories.ts'
import { createHostileWorld, type HostileWorld } from './official-world.ts'
import { peerLies, showing, type PeerLie } from './peer-lies.ts'

const DEADLINE_MS = 300_000

const modes: readonly Mode[] = ['full', 'delta']

function peerRow(lie: PeerLie, mode: Mode): HostileRow {
  return {
    name: `peers: ${lie.name} (${mode})`,
    async play(world) {
      const { victim, loot } = world
      await world.honestly(victim)
      const shown = lie.show(loot)
      await victim.tell(mode, showing(shown, mode, lie.patch))
      return judgeRogue(world, victim, shown, lie.takesOver !== true)
    },
  }
}

function lockRow(lie: LockLie, mode: Mode): HostileRow {
  return {
    name: `lock: ${lie.name} (${mode})`,
    async play(world) {
      const { victim, tailnet } = world
      await world.honestly(victim)
      const loot = world.lockLoot()
      tailnet.setTkaLie(lie.tka(loot))
      const say: MapLie = (message) => ({ ...message, TKAInfo: lie.info(loot) })
      await victim.tell(mode, say)
      return judgeLock(world, victim)
    },
  }
}

/** The rows that are played one after the other on one stage. */
export const groups: readonly (readonly [string, readonly HostileRow[]])[] = [
  ['peers', peerLies.flatMap((lie) => modes.map((mode) => peerRow(lie, mode)))],
  ['lock', lockLies.flatMap((lie) => modes.map((mode) => lockRow(lie, mode)))],
  ['rotations', rotations],
  ['starts', starts],
  ['history', history],
  ['init', inits],
]

/** Plays a row. A client whose process ends has not held; it is started again. */
export async function play(world: HostileWorld, row: HostileRow): Promise<Verdict> {
  const { victim, tailnet } = world
  try {
    return await row.play(world)
  } catch (error) {
    // The connection breaks before the process is gone.
    const deadline = performance.now() + 1000
    await until('an end', () => !victim.isAlive() || performance.now() > deadline)
    if (victim.isAlive()) throw error
    tailnet.setTkaLie(undefined)
    tailnet.setMapLie(undefined)
    const last = /^(?:panic|fatal error): .*$/m.exec(victim.node.log())?.[0] ?? 'says nothing'
    await victim.restart()
    return { holds: false, seen: `its process ends (${last})` }
  }
}

async function playAll(
  stage: Stage,
  age: 'new' | 'old',
  rows: readonly HostileRow[],
): Promise<void> {
  await using world = await createHostileWorld(age === 'new' ? stage.current : stage.old)
  stage.adopt(world)
  let breaches = 0
  for (const row of rows) {
    const began = performance.now()
    const breach = expectedBreach(row.name, age)
    const expected = breach === undefined ? 'holds' : `does not hold: ${breach.official}`
    let isAsExpected = false
    let note: string
    try {
      const { holds, seen, passes } = await play(world, row)
      if (!holds) breaches++
      isAsExpected =
        holds === (breach === undefined) &&
        (breach?.passes === undefined || breach.passes === passes)
      const verdict = holds ? 'holds' : 'does not hold'
      note = isAsExpected ? `${verdict}: ${seen}` : `${verdict} (${seen}), expected: ${expected}`
    } catch (error) {
      note = error instanceof Error ? error.message : String(error)
    }
    const seconds = (performance.now() - began) / 1000
    stage.find({ name: `hostile/${row.name}`, isAsExpected, seconds, note })
  }
  stage.note(`${rows.length} lies, ${breaches} believed`)
}

const group = (part: Part & ('new' | 'old'), name: string): Scenario =>
  scenario(
    `hostile/${name}, ${part}`,
    [part],
    (stage) => playAll(stage, part, groups.find(([each]) => each === name)?.[1] ?? []),
    { deadlineMs: DEADLINE_MS },
  )

/** The scenarios. */
export const hostile: readonly Scenario[] = groups.flatMap(([name]) => [
  group('new', name),
  group('old', name),
])
