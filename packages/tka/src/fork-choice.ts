// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, fork choice: which of several sibling updates every member must follow.
 *
 *      / - 1
 *     P  - 2     All name P as parent, all are validly signed. Members that pick
 *      \ - 3     differently never agree again, so the order below is total.
 *
 * Only the siblings compete. What follows them does not matter: one heavier update next to an
 * old one undoes everything after it. Retroactive revocation works through this.
 *
 * @module
 */

import { toHex } from '@signet/codec'
import { AumKind, type Aum } from './aum.ts'
import { aumHash } from './aum-codec.ts'
import { TkaError } from './errors.ts'
import { findKey, type State } from './state.ts'
import type { VerifiedAum } from './verify.ts'

const KEY_ID_LENGTH = 32

/**
 * Returns the weight of an update in its parent's state: the votes of all distinct keys that
 * signed it. Keys that the state does not trust count nothing.
 *
 * @throws TkaError `bad-signature-shape` for a key id that is not 32 bytes, `unknown-key-kind`
 */
export function aumWeight(aum: Aum, state: State): bigint {
  const counted = new Set<string>()
  let weight = 0n
  for (const { keyId } of aum.signatures ?? []) {
    if (keyId?.length !== KEY_ID_LENGTH) {
      throw new TkaError('bad-signature-shape', 'Cannot weigh update: a key id is not 32 bytes')
    }
    const id = toHex(keyId)
    if (counted.has(id)) continue
    counted.add(id)
    weight += findKey(state, keyId)?.votes ?? 0n
  }
  return weight
}

/**
 * Returns the one sibling to follow.
 *
 * 1. The highest weight wins.
 * 2. If equal, the removal of a key wins: a revocation must not lose a tie.
 * 3. If equal, the lowest hash wins: arbitrary, but the same everywhere.
 *
 * @throws TkaError `bad-option` if there is none to choose from
 */
export function chooseFork(state: State, siblings: readonly VerifiedAum[]): VerifiedAum {
  const [first, ...others] = siblings
  if (!first) throw new TkaError('bad-option', 'Cannot choose a fork: there is none')
  if (others.length === 0) return first
  return siblings
    .map((aum) => ({ aum, weight: aumWeight(aum, state) }))
    .reduce((best, next) => (precedes(next, best) ? next : best)).aum
}

/** An update with its weight in its parent's state. */
export interface WeighedAum {
  readonly aum: Aum
  readonly weight: bigint
}

/** Says whether `a` is to be followed rather than its sibling `b`. */
export function precedes(a: WeighedAum, b: WeighedAum): boolean {
  if (a.weight !== b.weight) return a.weight > b.weight
  const aRemoves = a.aum.kind === AumKind.RemoveKey
  const bRemoves = b.aum.kind === AumKind.RemoveKey
  if (aRemoves !== bRemoves) return aRemoves
  return aumHash(a.aum) < aumHash(b.aum)
}
