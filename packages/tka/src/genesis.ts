// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, beginning one.
 *
 * @module
 */

import { AumKind, EMPTY_AUM, type Aum } from './aum.ts'
import { verifyGenesis } from './authority.ts'
import { TkaError } from './errors.ts'
import { signAum, type LockSigner } from './sign.ts'
import type { State } from './state.ts'
import { validateAum } from './validate.ts'
import type { VerifiedAum } from './verify.ts'

/**
 * Returns the first update of a new authority: a checkpoint of its state, signed by trusted keys.
 *
 * @throws TkaError `bad-state`, and as `verifyAum`: `unsigned` without a signer, `untrusted-key`
 *   if a signer's key is not in the state
 */
export function createGenesis(state: State, signers: readonly LockSigner[]): VerifiedAum {
  const draft: Aum = { ...EMPTY_AUM, kind: AumKind.Checkpoint, state }
  validateAum(draft)
  return verifyGenesis(signAum(draft, signers))
}

/**
 * Returns the two numbers that name a new authority, from 16 random bytes.
 *
 * @throws TkaError `bad-option` unless there are 16
 */
export function stateIdsFromBytes(random: Uint8Array): Pick<State, 'stateId1' | 'stateId2'> {
  if (random.length !== 16) {
    throw new TkaError(
      'bad-option',
      `Cannot name authority: expected 16 bytes, got ${random.length}`,
    )
  }
  const view = new DataView(random.buffer, random.byteOffset, random.length)
  return { stateId1: view.getBigUint64(0, true), stateId2: view.getBigUint64(8, true) }
}
