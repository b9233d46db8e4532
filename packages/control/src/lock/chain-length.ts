// SPDX-License-Identifier: Apache-2.0

/**
 * How long a chain of updates may grow.
 *
 * An official client gives up on a chain of more than 2,000 updates when it opens its store. A new one keeps all
 * of it for two weeks: it joins, works, and after its next start it is without the lock, silently. So the chain ends
 * there, and before it ends nothing is taken but what takes trust away. Who needs more ends the lock with a
 * secret and begins anew, which every node follows by itself.
 *
 * @module
 */

import { AumKind, aumParent } from '@signet/tka'
import type { Aum, Authority, VerifiedAum } from '@signet/tka'
import { ControlError } from '../errors.ts'
import {
  MAX_CHAIN_LENGTH,
  MAX_GROWING_CHAIN_LENGTH,
  MAX_STORED_UPDATES,
  WARN_CHAIN_LENGTH,
} from '../limits.ts'
import type { ActiveLock } from './state.ts'

const ANEW = 'switch the lock off with a disablement secret and run init again to start anew'

/** Requires that new updates leave a chain which every client can open. @throws ControlError 'limit' */
export function checkChainLength(
  active: ActiveLock,
  after: Authority,
  added: readonly VerifiedAum[],
): void {
  const { length } = after.chain
  if (length <= active.authority.chain.length) return
  if (length > MAX_CHAIN_LENGTH) throw tooLong()
  if (length > MAX_GROWING_CHAIN_LENGTH && !added.every(takesTrustAway)) {
    throw new ControlError(
      'limit',
      `The lock nears the ${MAX_CHAIN_LENGTH} updates that clients can open, so it takes removals only; ${ANEW}`,
    )
  }
}

/**
 * Refuses a line of updates on the head that is too long, before anything in it is verified.
 *
 * @throws ControlError 'limit'
 */
export function requireRoom({ authority }: ActiveLock, updates: readonly Aum[]): void {
  const [first] = updates
  if (first === undefined || aumParent(first) !== authority.head) return
  if (authority.chain.length + updates.length > MAX_CHAIN_LENGTH) throw tooLong()
}

/** Requires that branches which lost stay few. What moves the head is always taken. @throws ControlError 'limit' */
export function checkStored(active: ActiveLock, after: Authority, added: number): void {
  if (after.head !== active.authority.head) return
  const stored = [...active.aums.hashes()].length + added
  if (stored <= MAX_STORED_UPDATES) return
  throw new ControlError(
    'limit',
    `This server keeps at most ${MAX_STORED_UPDATES} updates of a lock, and these are on a branch that lost`,
  )
}

function tooLong(): ControlError {
  return new ControlError(
    'limit',
    `A lock has at most ${MAX_CHAIN_LENGTH} updates, more than which clients cannot open; ${ANEW}`,
  )
}

function takesTrustAway({ kind }: VerifiedAum): boolean {
  return kind === AumKind.RemoveKey || kind === AumKind.Checkpoint
}

/** What administrators are told about the length of the chain. */
export interface ChainReport {
  readonly updates: number
  readonly updateLimit: number
  /** Updates since the last checkpoint; clients make one every 50. */
  readonly sinceCheckpoint: number
  readonly warnings: readonly string[]
}

/** Looks at the length of the chain. */
export function chainReport(active: ActiveLock | null): ChainReport {
  if (active === null) {
    return { updates: 0, updateLimit: MAX_CHAIN_LENGTH, sinceCheckpoint: 0, warnings: [] }
  }
  const { chain } = active.authority
  const top = chain.length - 1
  return {
    updates: chain.length,
    updateLimit: MAX_CHAIN_LENGTH,
    sinceCheckpoint: top - (chain.checkpointAtOrBelow(top) ?? 0),
    warnings: warnings(chain.length),
  }
}

function warnings(length: number): readonly string[] {
  if (length < WARN_CHAIN_LENGTH) return []
  const then = length >= MAX_GROWING_CHAIN_LENGTH ? 'only removals are taken now' : 'it ends there'
  return [`The lock has ${length} of at most ${MAX_CHAIN_LENGTH} updates, and ${then}: ${ANEW}`]
}
