// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, state: which keys are trusted at one point of the chain, and who may end
 * it. A state is never changed; applying an update makes another that shares what stayed.
 *
 * @module
 */

import { equalBytes } from '@signet/codec'
import type { AumHash } from './aum.ts'
import { keyId, KeyKind, type Key } from './key.ts'

/** The authority at one update. Null and empty lists encode differently, so both exist. */
export interface State {
  /** The update that led here; null inside a checkpoint and before the first update. */
  readonly lastAumHash: AumHash | null
  /** Derived from the secrets that end the lock. */
  readonly disablementValues: readonly (Uint8Array | null)[] | null
  /** In the order in which they were added: part of later checkpoints' hashes. */
  readonly keys: readonly Key[] | null
  /** With `stateId2`, names the authority for its whole life. */
  readonly stateId1: bigint
  readonly stateId2: bigint
}

/** The state before any update. */
export const EMPTY_STATE: State = {
  lastAumHash: null,
  disablementValues: null,
  keys: null,
  stateId1: 0n,
  stateId2: 0n,
}

/**
 * Returns the trusted key with this id, or undefined. A key of unknown kind that stands before it
 * makes the search fail, as in official software.
 *
 * @throws TkaError `unknown-key-kind`
 */
export function findKey(state: State, id: Uint8Array): Key | undefined {
  return state.keys?.find((key) => equalBytes(keyId(key), id))
}

/**
 * Says whether a key with this id is trusted. A key of unknown kind ends the search without an
 * answer, which counts as no: official software lets such a key be added again.
 */
export function hasKey(state: State, id: Uint8Array): boolean {
  for (const key of state.keys ?? []) {
    if (key.kind !== KeyKind.Ed25519) return false
    if (equalBytes(keyId(key), id)) return true
  }
  return false
}

/** Returns the authority's name as official software writes it: both numbers, in decimal. */
export function stateIdText(state: State): string {
  return `${state.stateId1}:${state.stateId2}`
}
