// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, how official software finds the oldest update of the active chain, with
 * its limit and its two oddities. Only for comparing with it: ours is `findOldest`.
 *
 * - The last active ancestor counts only where some update names it as parent: not as a head.
 * - Of two heads with one oldest ancestor, only the one with the higher hash is asked whether it
 *   came by the last active ancestor.
 *
 * @module
 */

import type { AumHash } from './aum.ts'
import { TkaError } from './errors.ts'
import { OFFICIAL_SCAN_LIMIT } from './limits.ts'
import type { AumStore } from './store.ts'

/**
 * Returns the oldest stored ancestor that official software would start with.
 *
 * @throws TkaError `empty-store`, `ambiguous-chain`, `official-limit`
 */
export function findOldestOfficially(
  store: AumStore,
  hint: AumHash | undefined = store.lastActiveAncestor(),
): AumHash {
  const activeByOldest = new Map<AumHash, boolean>()
  for (const head of [...store.heads()].sort()) {
    const { oldest, isActive } = walkBack(store, head, hint)
    activeByOldest.set(oldest, isActive)
  }
  const [first, ...others] = activeByOldest
  if (!first) throw new TkaError('empty-store', 'Cannot open authority: nothing stored')
  if (others.length === 0) return first[0]
  const active = [...activeByOldest].find(([, isActive]) => isActive)
  if (active) return active[0]
  throw new TkaError('ambiguous-chain', 'Cannot open authority: several unrelated chains')
}

function walkBack(
  store: AumStore,
  head: AumHash,
  hint: AumHash | undefined,
): { readonly oldest: AumHash; readonly isActive: boolean } {
  let isActive = false
  let oldest = head
  for (let links = 0; ; links++) {
    if (links >= OFFICIAL_SCAN_LIMIT) {
      throw new TkaError('official-limit', 'Cannot open authority: the stored chain is too long')
    }
    const parent = store.link(oldest)?.parent ?? null
    if (parent === null || !store.has(parent)) return { oldest, isActive }
    oldest = parent
    if (oldest === hint) isActive = true
  }
}
