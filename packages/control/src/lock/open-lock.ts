// SPDX-License-Identifier: Apache-2.0

/**
 * Opens what is stored of a tailnet's lock: the active authority, and those that ended.
 *
 * @module
 */

import {
  aumHash,
  aumHashText,
  createMemoryStore,
  decodeAum,
  openAuthority,
  trustStoredAum,
} from '@signet/tka'
import type { StoredAum } from '@signet/tka'
import { ControlError } from '../errors.ts'
import type { AuthorityRow, AumRow } from '../store/rows.ts'
import type { Store } from '../store/store.ts'
import type { ActiveLock, LockState } from './state.ts'

/**
 * Opens the lock of a tailnet. A chain that cannot be opened stops the server: to go on without it would be
 * to tell every node that the lock is off.
 *
 * @throws ControlError 'store-failed'
 */
export function openLock(store: Store, tailnetId: number, now: () => number): LockState {
  const rows = store.authorities(tailnetId)
  const active = rows.find((row) => row.retiredAt === null)
  return {
    active: active === undefined ? null : openActive(active, store.aums(active.id), now),
    retired: rows
      .filter((row) => row.retiredAt !== null)
      .map((row) => ({ row, hashes: new Set(store.aums(row.id).map((aum) => aum.hash)) })),
  }
}

function openActive(row: AuthorityRow, stored: readonly AumRow[], now: () => number): ActiveLock {
  try {
    const aums = createMemoryStore({
      now,
      entries: stored.map(readAum),
      lastActiveAncestor: row.genesis,
    })
    const authority = openAuthority(aums)
    if (authority.head !== row.head) {
      throw new ControlError(
        'store-failed',
        `Expected the head ${aumHashText(row.head)}, found ${aumHashText(authority.head)}`,
      )
    }
    return { row, authority, aums, headText: aumHashText(authority.head) }
  } catch (cause) {
    throw new ControlError(
      'store-failed',
      'Cannot open the tailnet lock: its stored updates are damaged; restore a backup (nodes bring newer updates by themselves)',
      { cause },
    )
  }
}

function readAum(row: AumRow): StoredAum {
  const aum = decodeAum(row.raw)
  if (aumHash(aum) !== row.hash) {
    throw new ControlError('store-failed', `Update ${aumHashText(row.hash)} is damaged`)
  }
  // It was verified before it was stored.
  return { aum: trustStoredAum(aum), commitTime: row.arrivedAt }
}
