// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority: who may undo updates that are in force.
 *
 *     g - a - b - c - remove K - d       in force
 *          \
 *           x                            signed by K, which was trusted at a
 *
 * If x outweighs b, or weighs as much and has the lower hash, everything from b on is undone, the removal of K too.
 * So whoever stole K, and was found out, could come back with some trying. Fork choice alone cannot tell, since at
 * a nothing is known of the removal; whoever has seen it can. Where x wins against b:
 *
 * 1. Each signer of x is still trusted: x is followed. Two admins at once, a server restored from a backup.
 * 2. x is b by another name: of equal weight, what follows the two competes instead; heavier, it needs 1, since
 *    who signed b beside K did not vote for undoing what followed it.
 * 3. x is a checkpoint with more weight than b: a recovery. Its signers may be removed, by the thief.
 * 4. Otherwise x is refused.
 *
 * @module
 */

import { toHex } from '@signet/codec'
import { AumKind } from './aum.ts'
import type { ActiveChain } from './active-chain.ts'
import type { Authority } from './authority.ts'
import { TkaError } from './errors.ts'
import { aumWeight } from './fork-choice.ts'
import { keyId } from './key.ts'
import { hasSameContent, signerIds } from './renamed.ts'
import type { State } from './state.ts'
import type { AumStore } from './store.ts'
import type { VerifiedAum } from './verify.ts'

/** Two updates that follow the same one: what is in force there, and what would be. */
interface Rivals {
  readonly undone: VerifiedAum
  readonly chosen: VerifiedAum
  /** The state that both were signed in. */
  readonly state: State
}

/**
 * Applies the rule to what new updates in `store` make of an authority. Costs the length of what would be undone.
 *
 * @throws TkaError `renamed-update`, `removed-signer`; `no-intersection` if nothing of the chain would be left
 */
export function checkUndoing(before: Authority, after: Authority, store: AumStore): void {
  if (after.chain.heightOf(before.head) !== undefined) return
  const fork = forkHeight(before.chain, after.chain)
  const rivals = rivalsAt(before, after, store, fork + 1)
  if (rivals === undefined || !hasSameContent(rivals.chosen, rivals.undone)) {
    return checkRivals(rivals, before)
  }
  // Another name of the head: nothing followed it.
  if (fork + 2 === before.chain.length) return
  if (weightOf(rivals, 'chosen') !== weightOf(rivals, 'undone')) {
    if (strangerAmong(rivals.chosen, before) === undefined) return
    throw renamed()
  }
  const next = rivalsAt(before, after, store, fork + 2)
  if (next === undefined) throw renamed()
  checkRivals(next, before)
}

function checkRivals(rivals: Rivals | undefined, before: Authority): void {
  // Nothing takes the place of what is in force: fork choice never ends a chain early, so this is an error of ours.
  if (rivals === undefined) throw renamed()
  const stranger = strangerAmong(rivals.chosen, before)
  if (stranger === undefined) return
  const isRecovery = rivals.chosen.kind === AumKind.Checkpoint
  if (isRecovery && weightOf(rivals, 'chosen') > weightOf(rivals, 'undone')) return
  throw new TkaError(
    'removed-signer',
    `This update would undo others and is signed by ${stranger}, which is no longer trusted; only a recovery with more votes than they have may do that`,
  )
}

function weightOf(rivals: Rivals, which: 'undone' | 'chosen'): bigint {
  return aumWeight(rivals[which], rivals.state)
}

/** The first signer that is not trusted now, in hex. */
function strangerAmong(aum: VerifiedAum, { state }: Authority): string | undefined {
  const trusted = new Set((state.keys ?? []).map((key) => toHex(keyId(key))))
  return signerIds(aum).find((id) => !trusted.has(id))
}

/** The height, on the chain before, of the last update that both have. */
function forkHeight(before: ActiveChain, after: ActiveChain): number {
  for (let height = before.length - 1; height >= 0; height--) {
    if (after.heightOf(before.at(height)) !== undefined) return height
  }
  throw new TkaError('no-intersection', 'Cannot undo updates: nothing of the chain would be left')
}

/** What is at a height of the chain before, and what would be. */
function rivalsAt(
  before: Authority,
  after: Authority,
  store: AumStore,
  height: number,
): Rivals | undefined {
  const undone = store.get(before.chain.at(height))
  // The chain after may begin earlier, when older updates came.
  const shift = after.chain.heightOf(before.chain.oldest) ?? 0
  const at = height + shift
  const chosen = at < after.chain.length ? store.get(after.chain.at(at)) : undefined
  if (undone === undefined || chosen === undefined) return undefined
  return { undone, chosen, state: before.chain.stateAt(height - 1, store) }
}

function renamed(): TkaError {
  return new TkaError(
    'renamed-update',
    'This is a known update with other signatures, and would undo what followed it',
  )
}
