// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, application: the state after an update, from the state before it. A pure
 * reducer.
 *
 * @module
 */

import { equalBytes, toHex } from '@signet/codec'
import { aumHashFromBytes, AumKind, type Aum } from './aum.ts'
import { aumHash } from './aum-codec.ts'
import { TkaError } from './errors.ts'
import { keyId, validateKey, type Key } from './key.ts'
import { findKey, hasKey, type State } from './state.ts'
import type { VerifiedAum } from './verify.ts'

/**
 * Returns the state after a verified update.
 *
 * @throws TkaError `wrong-parent`, `missing-field`, `wrong-state-id`, `key-exists`, `unknown-key`,
 *   and what {@link validateKey} throws for a changed key
 */
export function applyAum(state: State, aum: VerifiedAum): State {
  return previewAum(state, aum)
}

/**
 * Returns the state that an update of one's own making would lead to, before it is signed. Throws
 * as {@link applyAum}. The result is for looking at, never for trusting.
 */
export function previewAum(state: State, aum: Aum): State {
  if (state.lastAumHash !== null && !followsExactly(aum, state.lastAumHash)) {
    throw new TkaError(
      'wrong-parent',
      `Cannot apply update: it does not follow ${state.lastAumHash}`,
    )
  }
  return { ...change(state, aum), lastAumHash: aumHash(aum) }
}

/** Compares all bytes: a parent of odd length was cut or filled for verification, but not here. */
function followsExactly(aum: Aum, hash: string): boolean {
  return aum.prev?.length === 32 && aumHashFromBytes(aum.prev) === hash
}

function change(state: State, aum: Aum): State {
  switch (aum.kind) {
    case AumKind.AddKey:
      return addKey(state, aum)
    case AumKind.RemoveKey:
      return removeKey(state, aum)
    case AumKind.UpdateKey:
      return updateKey(state, aum)
    case AumKind.Checkpoint:
      return checkpoint(state, aum)
    default:
      // No-ops, and kinds from the future: they only move the head.
      return state
  }
}

function addKey(state: State, aum: Aum): State {
  if (aum.key === null) throw new TkaError('missing-field', 'Cannot apply update: no key to add')
  if (hasKey(state, keyId(aum.key))) {
    throw new TkaError('key-exists', `Cannot apply update: ${named(aum.key)} is trusted already`)
  }
  // The limit of keys binds checkpoints only, so that nobody can lock others out by reaching it.
  return { ...state, keys: [...(state.keys ?? []), aum.key] }
}

function removeKey(state: State, aum: Aum): State {
  const key = wantKey(state, aum)
  return { ...state, keys: state.keys?.toSpliced(state.keys.indexOf(key), 1) ?? null }
}

function updateKey(state: State, aum: Aum): State {
  const key = wantKey(state, aum)
  const changed: Key = { ...key, votes: aum.votes ?? key.votes, meta: aum.meta ?? key.meta }
  validateKey(changed)
  const id = keyId(key)
  const keys = state.keys ?? []
  return { ...state, keys: keys.map((other) => (equalBytes(keyId(other), id) ? changed : other)) }
}

function checkpoint(state: State, aum: Aum): State {
  if (aum.state === null) {
    throw new TkaError('missing-field', 'Cannot apply update: no checkpoint state')
  }
  const { stateId1, stateId2 } = aum.state
  if (stateId1 !== state.stateId1 || stateId2 !== state.stateId2) {
    throw new TkaError('wrong-state-id', 'Cannot apply checkpoint: it is of another authority')
  }
  return aum.state
}

function wantKey(state: State, aum: Aum): Key {
  const id = aum.keyId ?? new Uint8Array(0)
  const key = findKey(state, id)
  if (!key) throw new TkaError('unknown-key', `Cannot apply update: ${toHex(id)} is not trusted`)
  return key
}

function named(key: Key): string {
  return `key ${toHex(keyId(key))}`
}
