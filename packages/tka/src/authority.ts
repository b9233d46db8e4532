// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority: who is trusted now. An authority is a value: informing it of updates
 * stores them and returns the next one, or throws and changes nothing.
 *
 * @module
 */

import type { ActiveChain } from './active-chain.ts'
import { applyAum } from './apply.ts'
import { AumKind, aumParent, type Aum, type AumHash } from './aum.ts'
import { aumHash } from './aum-codec.ts'
import {
  chosenChild,
  findOldest,
  followFrom,
  followOn,
  stateAt,
  type ChainOptions,
  type FollowedChain,
} from './chain.ts'
import { TkaError } from './errors.ts'
import { findOldestOfficially } from './official-oldest.ts'
import { stateIdText, type State } from './state.ts'
import type { AumStore } from './store.ts'
import { verifyAum, type VerifiedAum } from './verify.ts'

/** The authority at one head. Belongs to the store that it was opened from. */
export interface Authority {
  /** The newest update of the active chain. */
  readonly head: AumHash
  /** The state after it. */
  readonly state: State
  /** The oldest update of the active chain that is still stored. */
  readonly oldestAncestor: AumHash
  /** What the authority is called for its whole life: `stateId1:stateId2` in decimal. */
  readonly stateId: string
  /** Every update from the oldest to the head. */
  readonly chain: ActiveChain
}

/**
 * Opens the authority that a store holds. Signatures are not verified again: what is stored was.
 * Linear in the length of the active chain.
 *
 * @throws TkaError `empty-store`, `ambiguous-chain`, `missing-parent`, `bad-genesis`; or what
 *   {@link applyAum} throws, if the store holds what nobody can have verified
 */
export function openAuthority(store: AumStore, options: ChainOptions = {}): Authority {
  return open(store, store.lastActiveAncestor(), options)
}

/**
 * Starts an authority in an empty store, from a checkpoint: the first update, or a later one.
 *
 * The checkpoint is trusted because of nothing but itself: it has to be signed by a key that it
 * names. Whether it is the right one the caller has to know.
 *
 * @throws TkaError `store-not-empty`, `bad-genesis`, and as {@link verifyAum}
 */
export function bootstrapAuthority(
  store: AumStore,
  checkpoint: Aum,
  options: ChainOptions = {},
): Authority {
  if (store.heads().length > 0) {
    throw new TkaError('store-not-empty', 'Cannot start authority: the store holds updates')
  }
  const verified = verifyGenesis(checkpoint)
  store.commit([verified])
  store.setLastActiveAncestor(aumHash(verified))
  return openAuthority(store, options)
}

/**
 * Verifies an update that an authority is to start from: a checkpoint, signed by its own keys.
 *
 * @throws TkaError `bad-genesis`, and as {@link verifyAum}
 */
export function verifyGenesis(aum: Aum): VerifiedAum {
  if (aum.kind !== AumKind.Checkpoint || aum.state === null) {
    throw new TkaError('bad-genesis', 'Cannot start authority: expected a checkpoint with a state')
  }
  return verifyAum(aum, aum.state, { genesis: true })
}

/**
 * Verifies updates, stores those that are new, and returns the authority after them. All or
 * nothing: if one update is refused, none is stored.
 *
 * Updates may come in any order and may be known already; parents have to be stored or among
 * them. The head may move back in time: a heavier sibling of an old update undoes what followed.
 * Costs what is new, and the way from where it branches off to the head.
 *
 * @throws TkaError `empty-batch`, `no-parent`, `unknown-update` or `missing-parent` if a parent is
 *   not known, and as {@link verifyAum} and {@link applyAum}
 */
export function informAuthority(
  authority: Authority,
  store: AumStore,
  aums: readonly Aum[],
  options: ChainOptions = {},
): Authority {
  if (aums.length === 0) throw new TkaError('empty-batch', 'Cannot inform authority: no updates')
  const ordered = options.officialLimits ? aums : parentsFirst(aums)
  const isExtension = followsHead(authority, store, ordered)
  store.commit(verifyBatch(authority, store, ordered, options))
  // Official software computes everything anew, within its limits, unless the head just grew.
  const isLimited = options.officialLimits === true && !isExtension
  if (isLimited || hasOlder(authority, store)) return open(store, authority.oldestAncestor, options)
  return authorityOf(advance(authority, store, ordered, options))
}

function open(store: AumStore, hint: AumHash | undefined, options: ChainOptions): Authority {
  const find = options.officialLimits ? findOldestOfficially : findOldest
  return authorityOf(followFrom(store, find(store, hint), options))
}

function authorityOf({ chain, state }: FollowedChain): Authority {
  return {
    head: chain.head,
    state,
    oldestAncestor: chain.oldest,
    stateId: stateIdText(state),
    chain,
  }
}

function verifyBatch(
  authority: Authority,
  store: AumStore,
  aums: readonly Aum[],
  options: ChainOptions,
): VerifiedAum[] {
  const states = new Map([[authority.head, authority.state]])
  const out: VerifiedAum[] = []
  for (const aum of aums) {
    const hash = aumHash(aum)
    if (store.has(hash)) continue
    const parent = aumParent(aum)
    if (parent === null) {
      throw new TkaError('no-parent', `Cannot inform authority: update ${hash} names no parent`)
    }
    const before = states.get(parent) ?? stateAt(store, parent, { ...options, ...authority })
    const verified = verifyAum(aum, before)
    states.set(parent, before)
    states.set(hash, applyAum(before, verified))
    out.push(verified)
  }
  return out
}

/**
 * Follows what was stored since. Updates whose parents are on the active chain compete there with
 * the child that was chosen before; the first place where another one wins decides. Updates on
 * other branches matter only if such a place leads to them, and then they are followed.
 */
function advance(
  authority: Authority,
  store: AumStore,
  aums: readonly Aum[],
  { joinRenamed = false }: ChainOptions,
): FollowedChain {
  const { chain } = authority
  for (const height of heightsOfForks(chain, store, aums)) {
    const parent = chain.at(height)
    const children = store.children(parent)
    if (parent === chain.head || children.length === 1) continue
    const state = chain.stateAt(height, store)
    const chosen = aumHash(chosenChild(store, children, state, { joinRenamed }))
    if (chosen === chain.at(height + 1)) continue
    return followOn(store, { chain: chain.keepOldest(height + 1), state }, { joinRenamed })
  }
  return followOn(store, authority, { joinRenamed })
}

/**
 * Heights at which something new may win: those of parents; and those of grandparents, where the new update may
 * give life to another name of the chain's.
 */
function heightsOfForks(chain: ActiveChain, store: AumStore, aums: readonly Aum[]): number[] {
  const heights = new Set<number>()
  for (const aum of aums) {
    const parent = aumParent(aum)
    if (parent === null) continue
    const grandparent = store.link(parent)?.parent ?? null
    const height =
      chain.heightOf(parent) ?? (grandparent === null ? undefined : chain.heightOf(grandparent))
    if (height !== undefined) heights.add(height)
  }
  return [...heights].sort((a, b) => a - b)
}

/** Says whether the chain's oldest update has got a parent, so that the chain starts earlier. */
function hasOlder(authority: Authority, store: AumStore): boolean {
  const parent = store.link(authority.oldestAncestor)?.parent ?? null
  return parent !== null && store.has(parent)
}

/** Says whether new updates form one line from the head, in order. */
function followsHead(authority: Authority, store: AumStore, aums: readonly Aum[]): boolean {
  let head = authority.head
  for (const aum of aums) {
    if (aumParent(aum) !== head || store.has(aumHash(aum))) return false
    head = aumHash(aum)
  }
  return true
}

/** Orders updates so that each comes after its parent, otherwise as they came, each once. */
function parentsFirst(aums: readonly Aum[]): Aum[] {
  const byHash = new Map(aums.map((aum) => [aumHash(aum), aum]))
  const out = new Set<Aum>()
  for (const start of byHash.values()) {
    const line: Aum[] = []
    for (let aum: Aum | undefined = start; aum && !out.has(aum);) {
      line.push(aum)
      const parent = aumParent(aum)
      aum = parent === null ? undefined : byHash.get(parent)
    }
    for (const aum of line.reverse()) out.add(aum)
  }
  return [...out]
}
