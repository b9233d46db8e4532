// SPDX-License-Identifier: Apache-2.0

/**
 * Who may undo updates that are in force.
 *
 *     g - a - b - c - remove K - d       in force
 *          \
 *           x                            signed by K, which was trusted at a
 *
 * If x outweighs b, or weighs as much and has the lower hash, everything from b on is undone, the removal of K too.
 * So whoever stole K, and was found out, could come back with some trying. Such an update is taken only if each of
 * its signers is still trusted now, or if it has more weight than what it undoes: a recovery is often signed
 * by keys that the thief has removed, and has the votes.
 *
 * @module
 */

import { toHex } from '@signet/codec'
import { aumWeight, stateAt } from '@signet/tka'
import type { AumStore, Authority, VerifiedAum } from '@signet/tka'
import { ControlError } from '../errors.ts'
import { trustedKeysOf } from './signatures.ts'

/** Applies the rule to what new updates in `store` make of an authority. @throws ControlError 'forbidden' */
export function checkRewind(before: Authority, after: Authority, store: AumStore): void {
  if (after.chain.heightOf(before.head) !== undefined) return
  const fork = forkHeight(before, after)
  const undone = store.get(before.chain.at(fork + 1))
  const chosen = store.get(after.chain.at(fork + 1))
  if (undone === undefined || chosen === undefined) return
  const trusted = trustedKeysOf(before.state)
  const strangers = signersOf(chosen).filter((id) => !trusted.has(id))
  if (strangers.length === 0) return
  const state = stateAt(store, before.chain.at(fork), { chain: before.chain })
  if (aumWeight(chosen, state) > aumWeight(undone, state)) return
  throw new ControlError(
    'forbidden',
    `This update would undo others and is signed by ${toHex(strangers[0] ?? new Uint8Array())}, which is no longer trusted; it needs more votes than they have`,
  )
}

/** The height of the last update that both have. They begin with the same one. */
function forkHeight(before: Authority, after: Authority): number {
  let height = Math.min(before.chain.length, after.chain.length) - 1
  while (height > 0 && before.chain.at(height) !== after.chain.at(height)) height--
  return height
}

function signersOf({ signatures }: VerifiedAum): readonly Uint8Array[] {
  return (signatures ?? []).flatMap(({ keyId }) => keyId ?? [])
}
