// SPDX-License-Identifier: Apache-2.0

/**
 * The lock of one tailnet as the server knows it: what is active, and what ended.
 *
 * @module
 */

import type { AumHash, AumStore, Authority } from '@signet/tka'
import type { AuthorityRow } from '../store/rows.ts'

/** The authority that nodes are to follow now. */
export interface ActiveLock {
  readonly row: AuthorityRow
  readonly authority: Authority
  readonly aums: AumStore
  /** The head as text, as it goes into maps. */
  readonly headText: string
}

/** An authority that was ended by a secret. Kept, so that nodes which slept can follow. */
export interface RetiredLock {
  readonly row: AuthorityRow
  readonly hashes: ReadonlySet<AumHash>
}

/** The lock now. Replaced whole by each change. */
export interface LockState {
  readonly active: ActiveLock | null
  /** Oldest first. */
  readonly retired: readonly RetiredLock[]
}

/** No lock, and never was one. */
export const NO_LOCK: LockState = { active: null, retired: [] }
