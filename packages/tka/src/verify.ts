// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, verification: the only way from an update that anybody may have sent to
 * one that may be applied and stored.
 *
 * @module
 */

import { equalBytes, toHex } from '@signet/codec'
import { verifyZip215 } from '@signet/crypto'
import { AumKind, aumParent, type Aum, type AumSignature } from './aum.ts'
import { aumSigHash } from './aum-codec.ts'
import { TkaError } from './errors.ts'
import { keyId } from './key.ts'
import { findKey, type State } from './state.ts'
import { validateAum } from './validate.ts'

declare const verified: unique symbol

/** An update that {@link verifyAum} accepted in its parent's state, or that a store had kept. */
export type VerifiedAum = Aum & { readonly [verified]: true }

/** How to verify. */
export interface VerifyOptions {
  /** The update starts a chain: its parent, if it names one, is not looked at. */
  readonly genesis?: boolean
}

/**
 * Verifies an update against the state of its parent, and returns the same update.
 *
 * 1. It is well-formed.
 * 2. It follows the update that the state is at, unless it starts a chain.
 * 3. It is signed, and *every* signature is good and by a key that is trusted in the state. One
 *    unknown signer refuses it, or adding junk would be a way to rename updates.
 * 4. It does not remove the only key.
 *
 * There is no quorum: one key may extend the head. Votes count only between siblings.
 *
 * @throws TkaError as {@link validateAum}, `no-parent`, `wrong-parent`, `unsigned`,
 *   `untrusted-key`, `bad-signature`, `unknown-key-kind`, `last-key`
 */
export function verifyAum(aum: Aum, state: State, options: VerifyOptions = {}): VerifiedAum {
  validateAum(aum)
  if (!options.genesis) checkParent(aum, state)
  const { signatures } = aum
  if (signatures === null || signatures.length === 0) {
    throw new TkaError('unsigned', 'Cannot accept update: it has no signature')
  }
  const digest = aumSigHash(aum)
  for (const signature of signatures) verifyAumSignature(signature, digest, state)
  if (removesLastKey(aum, state)) {
    throw new TkaError('last-key', 'Cannot accept update: it removes the only trusted key')
  }
  return trustStoredAum(aum)
}

/**
 * Verifies one signature of an update over its {@link aumSigHash}, by the ZIP-215 rules: which
 * odd signatures are good is part of consensus.
 *
 * @throws TkaError `untrusted-key`, `bad-signature`, `unknown-key-kind`
 */
export function verifyAumSignature(entry: AumSignature, digest: Uint8Array, state: State): void {
  const id = entry.keyId ?? new Uint8Array(0)
  const key = findKey(state, id)
  if (!key) {
    throw new TkaError('untrusted-key', `Cannot accept signature: ${toHex(id)} is not trusted`)
  }
  if (!verifyZip215(keyId(key), digest, entry.signature ?? new Uint8Array(0))) {
    throw new TkaError('bad-signature', `Cannot accept signature by ${toHex(id)}: it is not good`)
  }
}

/**
 * Marks an update as verified without verifying it. For stores, which return what they were once
 * given as verified, and for tests; anywhere else it is a hole.
 */
export function trustStoredAum(aum: Aum): VerifiedAum {
  return aum as VerifiedAum
}

function checkParent(aum: Aum, state: State): void {
  const parent = aumParent(aum)
  if (parent === null) throw new TkaError('no-parent', 'Cannot accept update: it names no parent')
  if (parent !== state.lastAumHash) {
    throw new TkaError(
      'wrong-parent',
      `Cannot accept update: expected parent ${state.lastAumHash}, got ${parent}`,
    )
  }
}

function removesLastKey(aum: Aum, state: State): boolean {
  const [only, ...others] = state.keys ?? []
  if (aum.kind !== AumKind.RemoveKey || only === undefined || others.length > 0) return false
  return equalBytes(keyId(only), aum.keyId ?? new Uint8Array(0))
}
