// SPDX-License-Identifier: Apache-2.0

/**
 * Whether each node follows the lock, since when it is where it is, and what a person can do about it.
 *
 *   in-sync     has the head
 *   behind      has an older update, or one of a losing branch: it is told again and syncs
 *   pending     has no lock and was told of it, or is away
 *   refusing    has no lock although it was told again and again
 *   retired     follows a lock that was ended: it is told so, lets go, and begins with the new one
 *   unknown     reports an update that this server does not have
 *
 * @module
 */

import { parseAumHash } from '@signet/tka'
import { lockPosition } from '../map/lock-signal.ts'
import type { LockPosition } from '../map/lock-signal.ts'
import type { NodeRow } from '../store/rows.ts'
import type { TailnetNode } from '../tailnet/node.ts'
import type { LockContext } from './context.ts'
import type { ActiveLock, LockState } from './state.ts'

/** How a node stands to the lock. */
export interface Ack {
  readonly state: LockPosition | 'refusing'
  /** Since when, in milliseconds since 1970; null when that is not known. */
  readonly since: number | null
  /** What it means and what to do; null when there is nothing to do. */
  readonly note: string | null
}

/** Askings for the beginning after which a node that does not begin is said to refuse. */
const REFUSING_AFTER = 3
/** Repetitions without effect after which a node that does not even ask is: about three minutes. */
const DEAF_AFTER = 2

/** Says how a node stands. `repeats` says how often it was told in this session without effect. */
export function ackOf(
  { tailnet, beginnings }: Pick<LockContext, 'tailnet' | 'beginnings'>,
  node: TailnetNode,
  repeats: number,
): Ack {
  const { lock } = tailnet
  const state = lockPosition(lock, node.row.reportedHead)
  if (state === 'pending') return pending(lock, node, beginnings, repeats)
  return { state, since: sinceOf(lock, node.row, state), note: noteOf(lock, node.online, state) }
}

type Followed = Exclude<LockPosition, 'pending'>

function sinceOf(lock: LockState, row: NodeRow, state: Followed): number | null {
  if (state === 'behind') return lock.active === null ? null : behindSince(lock.active, row)
  if (state === 'retired') return retiredSince(lock, row)
  return state === 'off' ? null : row.reportedHeadAt
}

function noteOf({ active }: LockState, online: boolean, state: Followed): string | null {
  if (state === 'off' || state === 'in-sync') return null
  if (state === 'unknown') {
    return active === null
      ? 'It follows a lock that this server never had: end that lock with its own secret, or run "lock local-disable" there'
      : 'This server lost updates, which the node brings back by itself; or it follows another lock, and stays so until "lock local-disable" is run there'
  }
  if (!online) return 'It is offline and catches up when it returns'
  return state === 'behind'
    ? 'It was told the head and has not reported it yet'
    : 'It was told that its lock has ended; it asks for the proof and lets go'
}

function pending(
  { active }: LockState,
  { row, online }: TailnetNode,
  beginnings: LockContext['beginnings'],
  repeats: number,
): Ack {
  const since = Math.max(active?.row.createdAt ?? 0, row.createdAt, row.reportedHeadAt ?? 0)
  const asking = active === null ? null : beginnings.of(row.id, active.row.genesis)
  if (asking !== null && asking.since >= since && asking.count >= REFUSING_AFTER) {
    return {
      state: 'refusing',
      since: asking.since,
      note: `It asked ${asking.count} times how to begin and does not: somebody ran "lock local-disable" there, or it cannot store the lock`,
    }
  }
  if (online && asking === null && repeats >= DEAF_AFTER) {
    return {
      state: 'refusing',
      since,
      note: 'It was told of the lock and does not ask for it: its client is old or was built without the lock',
    }
  }
  const note = online ? 'It was told of the lock' : 'It is offline and begins when it returns'
  return { state: 'pending', since, note }
}

/** When the first update came that the node does not have. */
function behindSince({ authority, aums }: ActiveLock, { reportedHead }: NodeRow): number | null {
  const { chain } = authority
  const height = chain.heightOf(parseAumHash(reportedHead))
  const missing = height === undefined ? authority.head : chain.at(height + 1)
  return aums.commitTime(missing) ?? null
}

function retiredSince({ retired }: LockState, { reportedHead }: NodeRow): number | null {
  const hash = parseAumHash(reportedHead)
  return retired.find((old) => old.hashes.has(hash))?.row.retiredAt ?? null
}
