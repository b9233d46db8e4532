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
import { indexEntry, StoreIndex } from './store-index.ts'

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
  for (const stored of options.entries ?? []) index.add(aumHash(stored.aum), indexEntry(stored))
  index.lastActiveAncestor = options.lastActiveAncestor
  return {
    ...index.reader(),
    commit(aums) {
      const fresh = index.newcomers(aums, options.now())
      for (const [hash, stored] of fresh) index.add(hash, indexEntry(stored))
    },
    purge(hashes) {
      for (const hash of hashes) index.remove(hash)
    },
    setLastActiveAncestor(hash) {
      index.lastActiveAncestor = hash
    },
  }
}
