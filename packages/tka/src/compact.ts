// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, compaction: what may be forgotten.
 *
 *     O - a - C1 - b - C2 - c - d - H      C: checkpoint. The newest updates stay, and everything
 *              \                           back to a checkpoint that is old enough: C2. But a fork
 *               x - y (young)              that has to stay needs its fork point, so: C1.
 *
 * Members forget at different times. Who has forgotten too much cannot be helped by sync, so when
 * in doubt nothing is forgotten.
 *
 * @module
 */

import { ActiveChain, type ChainStep } from './active-chain.ts'
import { AumKind, type AumHash, type AumLink } from './aum.ts'
import type { Authority } from './authority.ts'
import { TkaError } from './errors.ts'
import { COMPACTION_MIN_AGE, COMPACTION_MIN_CHAIN } from './limits.ts'
import type { AumStore } from './store.ts'

/** How much to keep. */
export interface CompactionOptions {
  /** The time, in milliseconds. */
  readonly now: number
  /** Updates to keep, from the head back. */
  readonly minChain?: number
  /** Milliseconds for which every update is kept. */
  readonly minAge?: number
}

/**
 * Forgets old updates, and returns the authority that begins later. Its head and state stay.
 *
 * @throws TkaError `bad-option`; `cannot-compact` or `unknown-update` if no safe place to begin
 *   was found: then nothing is forgotten
 */
export function compactAuthority(
  authority: Authority,
  store: AumStore,
  options: CompactionOptions,
): Authority {
  const { now, minChain = COMPACTION_MIN_CHAIN, minAge = COMPACTION_MIN_AGE } = options
  if (!(minChain >= 1) || !(minAge > 0)) {
    throw new TkaError('bad-option', 'Cannot compact: minChain and minAge have to be positive')
  }
  const young = youngUpdates(store, now - minAge)
  const start = chooseStart(authority.chain, store, young, minChain)
  const kept = new Set(young)
  keepHeights(kept, authority.chain, start, authority.chain.length - 1)
  keepDescendants(kept, store)
  const height = keepForkPoints(kept, authority.chain, store, start)
  const forgotten = [...store.hashes()].filter((hash) => !kept.has(hash))
  const compacted = height === 0 ? authority : beginAt(authority, store, height)
  store.setLastActiveAncestor(compacted.oldestAncestor)
  store.purge(forgotten)
  return compacted
}

function youngUpdates(store: AumStore, since: number): Set<AumHash> {
  const young = new Set<AumHash>()
  for (const hash of store.hashes()) if ((store.commitTime(hash) ?? since) > since) young.add(hash)
  return young
}

/**
 * The height to begin at if there were no forks: behind the newest `minChain` updates, the first
 * checkpoint that is not young; or height 0 if the chain is not longer than that.
 */
function chooseStart(
  chain: ActiveChain,
  store: AumStore,
  young: ReadonlySet<AumHash>,
  minChain: number,
): number {
  if (chain.length <= minChain) return 0
  let height = chain.checkpointAtOrBelow(chain.length - 1 - minChain)
  while (height !== undefined) {
    const hash = chain.at(height)
    if (!young.has(hash) || linkOf(store, hash).parent === null) return height
    height = height === 0 ? undefined : chain.checkpointAtOrBelow(height - 1)
  }
  throw new TkaError('cannot-compact', 'Cannot compact: no checkpoint is old enough')
}

function keepHeights(kept: Set<AumHash>, chain: ActiveChain, from: number, to: number): void {
  for (let height = from; height <= to; height++) kept.add(chain.at(height))
}

/** Keeps what follows something kept. */
function keepDescendants(kept: Set<AumHash>, store: AumStore): void {
  // A set may grow while it is walked; the walk reaches what was added.
  for (const hash of kept) for (const child of store.children(hash)) kept.add(child)
}

/**
 * Keeps the way from everything kept back to the active chain. Where that meets the chain below
 * `start`, the chain has to begin there, or at the checkpoint before. Returns the final height.
 */
function keepForkPoints(
  kept: Set<AumHash>,
  chain: ActiveChain,
  store: AumStore,
  start: number,
): number {
  let lowest = start
  for (const hash of kept) {
    if (hash === chain.at(lowest)) continue
    const parent = linkOf(store, hash).parent
    if (parent === null) {
      throw new TkaError('cannot-compact', `Cannot compact: ${hash} has to stay, on another chain`)
    }
    if (kept.has(parent)) continue
    kept.add(parent)
    const height = chain.heightOf(parent)
    if (height === undefined || height >= lowest) continue
    keepHeights(kept, chain, height, lowest)
    lowest = height
  }
  return lowest === start ? start : checkpointBelow(kept, chain, lowest)
}

function checkpointBelow(kept: Set<AumHash>, chain: ActiveChain, height: number): number {
  const checkpoint = chain.checkpointAtOrBelow(height)
  if (checkpoint === undefined) {
    throw new TkaError('cannot-compact', 'Cannot compact: no checkpoint before a fork that stays')
  }
  keepHeights(kept, chain, checkpoint, height)
  return checkpoint
}

function beginAt(authority: Authority, store: AumStore, height: number): Authority {
  const { chain } = authority
  const steps: ChainStep[] = []
  for (let at = height; at < chain.length; at++) {
    const hash = chain.at(at)
    steps.push({ hash, isCheckpoint: linkOf(store, hash).kind === AumKind.Checkpoint })
  }
  const [oldest, ...others] = steps
  if (!oldest) return authority
  const compacted = ActiveChain.of(oldest, chain.stateAt(height, store)).extend(others)
  return { ...authority, oldestAncestor: compacted.oldest, chain: compacted }
}

function linkOf(store: AumStore, hash: AumHash): AumLink {
  const link = store.link(hash)
  if (!link) throw new TkaError('unknown-update', `Cannot compact: update ${hash} is not stored`)
  return link
}
