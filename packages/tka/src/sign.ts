// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, signing of updates.
 *
 * @module
 */

import type { LockSigner } from '@signet/keys'
import type { Aum } from './aum.ts'
import { aumSigHash } from './aum-codec.ts'

export type { LockSigner }

/** Returns the update with a signature by each signer added. Its hash changes, its digest not. */
export function signAum(aum: Aum, signers: readonly LockSigner[]): Aum {
  if (signers.length === 0) return aum
  const digest = aumSigHash(aum)
  const added = signers.map((signer) => ({
    keyId: signer.keyId,
    signature: signer.sign(digest),
  }))
  return { ...aum, signatures: [...(aum.signatures ?? []), ...added] }
}
