// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, which stored chain is active, and what the state is at its updates.
 *
 *     O - a - b - H      The active chain starts at the oldest stored ancestor of what was
 *          \ - x         active last, and follows the chosen child of each update to the head.
 *
 *     P - q              Another chain, not connected: never active, whatever it weighs.
 *
 * @module
 */

import { ActiveChain, type ChainStep } from './active-chain.ts'
import { applyAum } from './apply.ts'
import { aumKindText, AumKind, aumParent, type AumHash } from './aum.ts'
import { aumHash } from './aum-codec.ts'
import { TkaError } from './errors.ts'
import { aumWeight, chooseFork } from './fork-choice.ts'
import { OFFICIAL_SCAN_LIMIT } from './limits.ts'
import { hasSameContent } from './renamed.ts'
import { EMPTY_STATE, type State } from './state.ts'
import type { AumStore } from './store.ts'
import type { VerifiedAum } from './verify.ts'

/** How to follow chains. */
export interface ChainOptions {
  /**
   * Stop where official software stops: 2000 links in a store, 1000 behind a head, batches parents
   * first, and its way with the last active ancestor. For comparing with it, never for running.
   */
  readonly officialLimits?: boolean
  /**
   * Take updates that differ in nothing but their signatures for one, as far as they weigh the same: of its
   * names, the one to follow is that under which the history went on. Official software follows the lowest
   * hash, and so gives up what followed another.
   */
  readonly joinRenamed?: boolean
}

/** A chain and the state at its head. */
export interface FollowedChain {
  readonly chain: ActiveChain
  readonly state: State
}

/**
 * Returns the update that the active chain has to start with: the oldest stored ancestor of the
 * last active one, or the only start there is. Linear in what is stored.
 *
 * An update whose parent is needed and lost is damage, even on a branch that is not active:
 * whatever hung between is gone, and it may have been the revocation that mattered.
 *
 * @throws TkaError `empty-store`, `ambiguous-chain`, `missing-parent`
 */
export function findOldest(
  store: AumStore,
  hint: AumHash | undefined = store.lastActiveAncestor(),
): AumHash {
  const known = new Map<AumHash, AumHash>()
  const found = new Set(store.heads().map((head) => oldestAncestor(store, head, known)))
  for (const oldest of found) refuseOrphan(store, oldest)
  const [only, ...others] = found
  if (only === undefined) throw new TkaError('empty-store', 'Cannot open authority: nothing stored')
  if (others.length === 0) return only
  // A head is no sign of a chain that was active: it may be what is left of one.
  const hinted =
    hint === undefined || store.children(hint).length === 0 ? undefined : known.get(hint)
  if (hinted !== undefined) return hinted
  throw new TkaError(
    'ambiguous-chain',
    `Cannot open authority: ${found.size} unrelated chains, and no last active ancestor`,
  )
}

function refuseOrphan(store: AumStore, oldest: AumHash): void {
  const link = store.link(oldest)
  if (!link || link.kind === AumKind.Checkpoint || link.parent === null) return
  throw new TkaError('missing-parent', `Cannot open authority: the parent of ${oldest} is lost`)
}

/** `known` remembers the answer for every update that a walk came by, so that none is walked twice. */
function oldestAncestor(store: AumStore, from: AumHash, known: Map<AumHash, AumHash>): AumHash {
  const walked: AumHash[] = []
  let hash = from
  for (let next: AumHash | null = from; next !== null && store.has(next);) {
    hash = next
    const answer = known.get(hash)
    if (answer !== undefined) {
      hash = answer
      break
    }
    walked.push(hash)
    next = store.link(hash)?.parent ?? null
  }
  for (const other of walked) known.set(other, hash)
  return hash
}

/**
 * Returns the active chain that starts with this stored update. States are computed at its forks
 * and at its head only: every stored update was verified and applied once, when it came.
 *
 * @throws TkaError `missing-parent`, `bad-genesis`, or what {@link applyAum} throws if updates are
 *   stored that nobody can have verified
 */
export function followFrom(
  store: AumStore,
  oldest: AumHash,
  options: ChainOptions = {},
): FollowedChain {
  const state = stateAt(store, oldest, options)
  const chain = ActiveChain.of(stepOf(store, oldest), state)
  return followOn(store, { chain, state }, options)
}

/** Extends a chain by the chosen child of its head, and so on, until there is none. */
export function followOn(
  store: AumStore,
  start: FollowedChain,
  options: ChainOptions = {},
): FollowedChain {
  let { chain } = start
  let steps: ChainStep[] = []
  let hash = chain.head
  for (;;) {
    const children = store.children(hash)
    let [next] = children
    if (next === undefined) break
    if (children.length > 1) {
      chain = chain.extend(steps)
      steps = []
      const parentState = chain.stateAt(chain.length - 1, store)
      next = aumHash(chosenChild(store, children, parentState, options))
    }
    steps.push(stepOf(store, next))
    hash = next
    checkLimit(chain.length + steps.length - start.chain.length, options)
  }
  chain = chain.extend(steps)
  return { chain, state: chain.stateAt(chain.length - 1, store) }
}

function stepOf(store: AumStore, hash: AumHash): ChainStep {
  const link = store.link(hash)
  if (!link) throw new TkaError('unknown-update', `Cannot follow chain: update ${hash} is gone`)
  return { hash, isCheckpoint: link.kind === AumKind.Checkpoint }
}

/** Returns the child to follow. `state` is that of the parent. */
export function chosenChild(
  store: AumStore,
  children: readonly AumHash[],
  state: State,
  options: ChainOptions = {},
): VerifiedAum {
  const siblings = children.map((hash) => storedAum(store, hash))
  const best = chooseFork(state, siblings)
  return options.joinRenamed ? livingName(store, siblings, best, state) : best
}

/**
 * Of the updates with the content and the weight of `best`, the one whose child wins among the children of all
 * of them. Nobody makes a child without a key, while anybody can turn signatures around until a hash is low.
 */
function livingName(
  store: AumStore,
  siblings: readonly VerifiedAum[],
  best: VerifiedAum,
  state: State,
): VerifiedAum {
  const weight = aumWeight(best, state)
  const names = siblings.filter(
    (aum) => hasSameContent(aum, best) && aumWeight(aum, state) === weight,
  )
  if (names.length === 1) return best
  const children = names.flatMap((aum) => store.children(aumHash(aum)))
  if (children.length === 0) return best
  const child = chooseFork(
    applyAum(state, best),
    children.map((hash) => storedAum(store, hash)),
  )
  const parent = aumParent(child)
  return names.find((aum) => aumHash(aum) === parent) ?? best
}

/**
 * Returns the state after a stored update, on whatever branch: from the nearest checkpoint before
 * it, or the nearest update that `chain` has, forwards.
 *
 * @throws TkaError `unknown-update` for the update itself, `missing-parent`, `bad-genesis`, and
 *   what {@link applyAum} throws
 */
export function stateAt(
  store: AumStore,
  hash: AumHash,
  options: ChainOptions & { readonly chain?: ActiveChain } = {},
): State {
  const { chain } = options
  const path: VerifiedAum[] = []
  let aum = storedAum(store, hash)
  for (let at = hash; ;) {
    const height = chain?.heightOf(at)
    if (chain && height !== undefined) {
      const start = chain.checkpointAtOrBelow(height) ?? 0
      checkLimit(path.length + height - start, options)
      return path.reduceRight(applyAum, chain.stateAt(height, store))
    }
    const state = startState(aum)
    if (state) return path.reduceRight(applyAum, state)
    path.push(aum)
    checkLimit(path.length, options)
    const parent = aumParent(aum)
    if (parent === null) throw badGenesis(aum)
    const next = store.get(parent)
    if (!next) throw new TkaError('missing-parent', `Cannot compute state: no parent of ${at}`)
    aum = next
    at = parent
  }
}

/** The state after an update that needs none before it, or undefined if it needs one. */
function startState(aum: VerifiedAum): State | undefined {
  if (aum.kind === AumKind.Checkpoint) {
    if (aum.state === null) throw badGenesis(aum)
    return { ...aum.state, lastAumHash: aumHash(aum) }
  }
  // Only a checkpoint may start an authority, but old test networks began with less.
  const isStart = aum.kind === AumKind.NoOp || aum.kind === AumKind.AddKey
  return isStart && aumParent(aum) === null ? applyAum(EMPTY_STATE, aum) : undefined
}

function badGenesis(aum: VerifiedAum): TkaError {
  const kind = aumKindText(aum.kind)
  return new TkaError('bad-genesis', `Cannot compute state: a chain cannot start with ${kind}`)
}

function storedAum(store: AumStore, hash: AumHash): VerifiedAum {
  const aum = store.get(hash)
  if (!aum) throw new TkaError('unknown-update', `Cannot find update ${hash}`)
  return aum
}

/** Official software gives up when it has made this many steps. */
function checkLimit(steps: number, { officialLimits }: ChainOptions): void {
  if (!officialLimits || steps < OFFICIAL_SCAN_LIMIT) return
  throw new TkaError(
    'official-limit',
    `Cannot follow chain: more than ${OFFICIAL_SCAN_LIMIT} links`,
  )
}
