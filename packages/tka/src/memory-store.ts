// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, storage in memory: for tests, for the browser, and as the working copy of
 * a store that is kept elsewhere.
 *
 * @module
 */

import type { AumHash } from './aum.ts'
import { aumHash } from './aum-codec.ts'
import type { AumStore, StoredAum } from './store.ts'
import { StoreIndex } from './store-index.ts'

/** What a memory store starts with. */
export interface MemoryStoreOptions {
  /** The time, for commit times. */
  readonly now: () => number
  /** What is there from the start, loaded from elsewhere. */
  readonly entries?: Iterable<StoredAum>
  readonly lastActiveAncestor?: AumHash | undefined
}

/** Creates a store that lives as long as the process. */
export function createMemoryStore(options: MemoryStoreOptions): AumStore {
  const index = new StoreIndex()
  for (const entry of options.entries ?? []) {
    const hash = aumHash(entry.aum)
    if (!index.has(hash)) index.add(hash, entry)
  }
  index.lastActiveAncestor = options.lastActiveAncestor
  return {
    ...readFrom(index),
    commit(aums) {
      for (const [hash, entry] of index.newcomers(aums, options.now())) index.add(hash, entry)
    },
    purge(hashes) {
      for (const hash of hashes) index.remove(hash)
    },
    setLastActiveAncestor(hash) {
      index.lastActiveAncestor = hash
    },
  }
}

/** The reading half of a store, answered by an index. */
export function readFrom(
  index: StoreIndex,
): Omit<AumStore, 'commit' | 'purge' | 'setLastActiveAncestor'> {
  return {
    get: (hash) => index.get(hash),
    has: (hash) => index.has(hash),
    children: (hash) => index.children(hash),
    heads: () => index.heads(),
    hashes: () => index.hashes(),
    commitTime: (hash) => index.commitTime(hash),
    lastActiveAncestor: () => index.lastActiveAncestor,
  }
}
