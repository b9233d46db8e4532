// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, synchronisation: two sides that share a past exchange offers, and each
 * sends what the other lacks.
 *
 *     ours     O - c - d - e           offer: head e, then checkpoints backwards, then O
 *     theirs   O - c - x               c is in our chain and was offered: we send d, e
 *
 * Only the active chain is ever sent; updates on losing branches stay where they are.
 *
 * @module
 */

import { aumHashText, parseAumHash, type AumHash } from './aum.ts'
import type { Authority } from './authority.ts'
import { followOn, stateAt, type ChainOptions } from './chain.ts'
import { ActiveChain } from './active-chain.ts'
import { TkaError } from './errors.ts'
import { OFFICIAL_HEAD_WALK, OFFICIAL_SCAN_LIMIT } from './limits.ts'
import type { AumStore } from './store.ts'
import type { VerifiedAum } from './verify.ts'

/** What one side has, in short. */
export interface SyncOffer {
  readonly head: AumHash
  /** Some ancestors of the head, newest first; the last is the oldest that is stored. */
  readonly ancestors: readonly AumHash[]
}

/** An offer as it travels. */
export interface SyncOfferText {
  readonly head: string
  readonly ancestors: readonly string[]
}

/** Where two sides meet, and what that means for what we send. */
export type SyncIntersection =
  /** Same head: nothing. */
  | { readonly kind: 'up-to-date'; readonly at: AumHash }
  /** Their head is in our chain: what follows it. */
  | { readonly kind: 'head'; readonly at: AumHash }
  /** An ancestor of theirs is in our chain: what follows it, some of which they may have. */
  | { readonly kind: 'tail'; readonly at: AumHash }
  /** Nothing in common that both still have: an ordinary outcome, after compaction for instance. */
  | { readonly kind: 'none' }

/** Returns the text form of an offer. */
export function syncOfferText(offer: SyncOffer): SyncOfferText {
  return { head: aumHashText(offer.head), ancestors: offer.ancestors.map(aumHashText) }
}

/**
 * Parses an offer. One bad hash refuses all of it.
 *
 * @throws TkaError `bad-hash-text`
 */
export function parseSyncOffer(text: SyncOfferText): SyncOffer {
  return { head: parseAumHash(text.head), ancestors: text.ancestors.map(parseAumHash) }
}

/**
 * Returns our offer: the head, the checkpoints among the newest 1000 updates, then ever fewer of
 * the older ones, then the oldest update. So the other side finds a common ancestor at most about
 * twice as far back as need be, however long the chain is.
 */
export function syncOffer(authority: Authority, options: ChainOptions = {}): SyncOffer {
  const { chain, head } = authority
  const top = chain.length - 1
  const ancestors: AumHash[] = []
  let nearest = 0
  for (
    let height = chain.checkpointAtOrBelow(top);
    height !== undefined && height > 0;
    height = chain.checkpointAtOrBelow(Math.min(height - 1, top - nearest))
  ) {
    const distance = top - height
    if (distance >= OFFICIAL_HEAD_WALK) {
      if (options.officialLimits) break
      nearest = 2 * distance
    }
    ancestors.push(chain.at(height))
  }
  ancestors.push(chain.oldest)
  return { head, ancestors }
}

/** Returns where another side's offer meets our chain. */
export function syncIntersection(
  authority: Authority,
  store: AumStore,
  remote: SyncOffer,
  options: ChainOptions = {},
): SyncIntersection {
  const { chain, head } = authority
  if (remote.head === head) return { kind: 'up-to-date', at: head }
  const height = chain.heightOf(remote.head)
  if (height !== undefined && isNear(chain, height, options)) {
    return { kind: 'head', at: remote.head }
  }
  for (const ancestor of remote.ancestors) {
    if (options.officialLimits) checkOfficialWalk(authority, store, ancestor)
    if (chain.heightOf(ancestor) !== undefined) return { kind: 'tail', at: ancestor }
  }
  return { kind: 'none' }
}

/**
 * Returns the updates that another side may lack, in the order in which it can take them.
 *
 * @throws TkaError `no-intersection`
 */
export function missingAums(
  authority: Authority,
  store: AumStore,
  remote: SyncOffer,
  options: ChainOptions = {},
): VerifiedAum[] {
  const meeting = syncIntersection(authority, store, remote, options)
  if (meeting.kind === 'none') {
    throw new TkaError('no-intersection', 'Cannot sync: no update in common that both still have')
  }
  if (options.officialLimits) checkOfficialWalk(authority, store, meeting.at)
  const { chain } = authority
  const out: VerifiedAum[] = []
  for (let height = (chain.heightOf(meeting.at) ?? 0) + 1; height < chain.length; height++) {
    const hash = chain.at(height)
    const aum = store.get(hash)
    if (!aum) throw new TkaError('unknown-update', `Cannot sync: update ${hash} is gone`)
    out.push(aum)
  }
  return out
}

function isNear(chain: ActiveChain, height: number, { officialLimits }: ChainOptions): boolean {
  return !officialLimits || chain.length - 1 - height < OFFICIAL_HEAD_WALK
}

/**
 * Official software walks from each ancestor that it has, on whatever branch, to the end, and gives
 * the whole sync up if it cannot.
 */
function checkOfficialWalk(authority: Authority, store: AumStore, from: AumHash): void {
  const { chain } = authority
  if (!store.has(from)) return
  const options: ChainOptions = { officialLimits: true }
  const height = chain.heightOf(from)
  const state = stateAt(store, from, { ...options, chain })
  if (height === undefined) {
    const branch = ActiveChain.of({ hash: from, isCheckpoint: false }, state)
    followOn(store, { chain: branch, state }, options)
  } else if (chain.length - 1 - height >= OFFICIAL_SCAN_LIMIT) {
    throw new TkaError('official-limit', 'Cannot sync: too many updates since the common one')
  }
}
