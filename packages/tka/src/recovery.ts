// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, retroactive revocation: when keys were stolen, everything that was done
 * with them can be undone, by an update next to an old one that outweighs it.
 *
 *     O - a - [thief adds key] - b - H       One key drafts the revocation R, others co-sign it,
 *          \                                 and when their votes outweigh what the thief can
 *           R  (by several keys)             sign, R wins its place and H is history.
 *
 * @module
 */

import { equalBytes, toHex } from '@signet/codec'
import { aumHashBytes, AumKind, aumParent, EMPTY_AUM, type Aum, type AumHash } from './aum.ts'
import type { Authority } from './authority.ts'
import { TkaError } from './errors.ts'
import { aumWeight, precedes } from './fork-choice.ts'
import { keyId } from './key.ts'
import { signAum, type LockSigner } from './sign.ts'
import { hasKey } from './state.ts'
import type { AumStore } from './store.ts'
import { validateAum } from './validate.ts'

/** What to revoke. */
export interface RevocationOptions {
  /** Ids of the keys that may no longer count, and never should have. */
  readonly removeKeys: readonly Uint8Array[]
  /** Id of the key that will sign the draft first. */
  readonly ourKey: Uint8Array
  /** The update to branch off from; found if absent. */
  readonly forkFrom?: AumHash
}

/**
 * Returns an unsigned update that takes the authority back to before the keys were trusted, and
 * keeps its present state but for them. It takes effect when it is signed by more votes than the
 * update it replaces.
 *
 * It branches off from `forkFrom`, or from the newest update at which none of the keys was trusted
 * and ours was, or else from the oldest. Members that have forgotten that update cannot follow.
 *
 * @throws TkaError `untrusted-key` if none of the keys is trusted now (unless `forkFrom` is given),
 *   `revokes-all-keys`, `unknown-key-kind`, and what `validateAum` throws
 */
export function makeRecoveryAum(
  authority: Authority,
  store: AumStore,
  options: RevocationOptions,
): Aum {
  const { removeKeys, forkFrom } = options
  const { state } = authority
  if (forkFrom === undefined && !removeKeys.some((id) => hasKey(state, id))) {
    throw new TkaError('untrusted-key', 'Cannot revoke keys: none of them is trusted now')
  }
  const parent = forkFrom ?? findForkPoint(authority, store, options)
  const keys = (state.keys ?? []).filter((key) => !isAmong(removeKeys, keyId(key)))
  if (keys.length === 0) {
    throw new TkaError('revokes-all-keys', 'Cannot revoke keys: no trusted key would be left')
  }
  const draft: Aum = {
    ...EMPTY_AUM,
    kind: AumKind.Checkpoint,
    prev: aumHashBytes(parent),
    state: { ...state, lastAumHash: null, keys },
  }
  validateAum(draft)
  return draft
}

function findForkPoint(
  authority: Authority,
  store: AumStore,
  { removeKeys, ourKey }: RevocationOptions,
): AumHash {
  let height = authority.chain.length - 1
  for (const { state } of authority.chain.backwards(store)) {
    if (height === 0) break
    if (hasKey(state, ourKey) && !removeKeys.some((id) => hasKey(state, id))) break
    height--
  }
  return authority.chain.at(height)
}

/**
 * Returns the update with one more signature.
 *
 * @throws TkaError `already-signed` if the key has signed it
 */
export function cosignAum(aum: Aum, signer: LockSigner): Aum {
  if (
    isAmong(
      (aum.signatures ?? []).map(({ keyId: id }) => id ?? new Uint8Array(0)),
      signer.keyId,
    )
  ) {
    throw new TkaError(
      'already-signed',
      `Cannot co-sign: ${toHex(signer.keyId)} has signed already`,
    )
  }
  return signAum(aum, [signer])
}

/** How a revocation fares against what is active in its place. */
export interface RecoveryStanding {
  /** Votes of the signatures so far, in the state of the parent. */
  readonly weight: bigint
  /** Votes of the active update beside it; null if the parent is the head. */
  readonly opposing: bigint | null
  /** Whether it would be chosen as it is. */
  readonly wins: boolean
}

/**
 * Returns how an update would fare beside the active one, so that somebody can say how many more
 * signatures it needs. Says nothing about whether it is valid.
 *
 * @throws TkaError `unknown-update` if its parent is not on the active chain
 */
export function recoveryStanding(
  authority: Authority,
  store: AumStore,
  aum: Aum,
): RecoveryStanding {
  const { chain } = authority
  const parent = aumParent(aum)
  const height = parent === null ? undefined : chain.heightOf(parent)
  if (height === undefined) {
    throw new TkaError('unknown-update', 'Cannot weigh update: its parent is not on our chain')
  }
  const state = chain.stateAt(height, store)
  const weight = aumWeight(aum, state)
  const active = height + 1 < chain.length ? store.get(chain.at(height + 1)) : undefined
  if (!active) return { weight, opposing: null, wins: true }
  const opposing = aumWeight(active, state)
  return { weight, opposing, wins: precedes({ aum, weight }, { aum: active, weight: opposing }) }
}

function isAmong(ids: readonly Uint8Array[], id: Uint8Array): boolean {
  return ids.some((other) => equalBytes(other, id))
}
