// SPDX-License-Identifier: Apache-2.0

/**
 * What a row of the hostile matrix is, and how it is judged.
 *
 * @module
 */

import type { ControlNode } from '@signet/protocol'
import type { OfficialVictim } from './official-victim.ts'
import type { HostileWorld } from './official-world.ts'
import { showing } from './peer-lies.ts'

/** What was seen of a lie. */
export interface Verdict {
  readonly holds: boolean
  readonly seen: string
  /** Whether the packet filter lets the rogue through, where that was tried. */
  readonly passes?: boolean
}

/** One lie with a judge. */
export interface HostileRow {
  readonly name: string
  readonly play: (world: HostileWorld) => Promise<Verdict>
}

/** Whether somebody is a peer, and if it is the rogue, whether it is spoken with. */
export async function judgeRogue(
  world: HostileWorld,
  victim: OfficialVictim,
  shown: ControlNode,
  knocks = true,
): Promise<Verdict> {
  const isIn = await victim.admits(shown)
  if (!knocks) return { holds: !isIn, seen: isIn ? 'is a peer' : 'is no peer' }
  const answers = await world.answersRogue(victim, isIn)
  const words = [
    isIn ? 'is a peer' : 'is no peer',
    answers.handshake ? 'is answered' : 'is not answered',
    ...(answers.ping ? ['gets an answer to its ping'] : []),
  ]
  return { holds: !isIn && !answers.handshake, seen: words.join(', '), passes: answers.ping }
}

/** Whether the lock is what it was, and keeps the rogue out. */
export async function judgeLock(world: HostileWorld, victim: OfficialVictim): Promise<Verdict> {
  const { head, state } = world.lockLoot()
  const { Enabled, TrustedKeys } = await victim.lock()
  const isSame = (await victim.head()) === head && TrustedKeys?.length === state.keys?.length
  await victim.tell('delta', showing(world.loot.rogue, 'delta'))
  const rogue = await judgeRogue(world, victim, world.loot.rogue)
  const lock = !Enabled
    ? 'the lock is off'
    : isSame
      ? 'the lock is unchanged'
      : `another head, ${TrustedKeys?.length} trusted keys`
  return { holds: isSame && rogue.holds, seen: `${lock}; the rogue ${rogue.seen}` }
}
