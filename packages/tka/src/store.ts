// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, storage: the interface that the authority needs. A store holds verified
 * updates by hash, whatever chains they form. Every implementation passes one contract suite
 * (`@signet/testkit`, contract/aum-store).
 *
 * @module
 */

import type { AumHash, AumLink } from './aum.ts'
import type { VerifiedAum } from './verify.ts'

/**
 * Verified updates, and which of them the active chain began with. Synchronous, one writer.
 *
 * Every change is durable when the call returns, and whole: after a crash it has happened or it
 * has not. A call that throws has changed nothing that the store returns.
 */
export interface AumStore {
  /**
   * Returns an update, or undefined. May decode it only now.
   *
   * @throws TkaError `store-damaged`
   */
  get(hash: AumHash): VerifiedAum | undefined
  /** Returns what places an update in the tree, or undefined if it is not there. Decodes nothing. */
  link(hash: AumHash): AumLink | undefined
  /** Says whether an update is there. */
  has(hash: AumHash): boolean
  /** Returns the stored updates that name this one as parent, whether or not it is there itself. */
  children(hash: AumHash): readonly AumHash[]
  /** Returns the stored updates that no stored update names as parent. */
  heads(): readonly AumHash[]
  /** Returns all stored updates. The store must not change while they are walked. */
  hashes(): Iterable<AumHash>
  /** Adds updates, all or none. Ones that are there already are left as they are. */
  commit(aums: readonly VerifiedAum[]): void
  /** Returns when an update was first committed, in milliseconds, or undefined if it is not there. */
  commitTime(hash: AumHash): number | undefined
  /** Forgets updates, all or none. When one comes back it keeps its first commit time. */
  purge(hashes: readonly AumHash[]): void
  /** Returns the oldest update of the chain that was active last, or undefined if never set. */
  lastActiveAncestor(): AumHash | undefined
  /** Remembers the oldest update of the active chain. */
  setLastActiveAncestor(hash: AumHash): void
}

/** An update with the time at which it was first committed. */
export interface StoredAum {
  readonly aum: VerifiedAum
  readonly commitTime: number
}
