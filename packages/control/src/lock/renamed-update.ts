// SPDX-License-Identifier: Apache-2.0

/**
 * Updates that are known under another name.
 *
 * The hash of an update covers its signatures, and a signature does not cover the others. So anybody, without any
 * key, can give a known update another hash: by turning two signatures around, by leaving one out. Between
 * siblings of equal weight the lowest hash wins, and with it goes all that followed the loser: a key that was
 * removed would be trusted again. Official clients take such updates; so they must not come through here.
 *
 * What is let through is a known update with more signatures, which nobody can make without another key: that
 * is how a recovery gathers its votes. (That one key signs twice is refused when an update is read.)
 *
 * @module
 */

import { toHex } from '@signet/codec'
import { aumHash, aumParent, aumSigHash } from '@signet/tka'
import type { Aum, AumStore, VerifiedAum } from '@signet/tka'
import { ControlError } from '../errors.ts'

/** Refuses a new update that is a known one by another name. @throws ControlError 'forbidden' */
export function refuseRenamed(aum: VerifiedAum, store: AumStore): void {
  const parent = aumParent(aum)
  if (parent === null) return
  const own = aumHash(aum)
  const content = toHex(aumSigHash(aum))
  const signers = signersOf(aum)
  for (const hash of store.children(parent)) {
    const sibling = hash === own ? undefined : store.get(hash)
    if (sibling === undefined || toHex(aumSigHash(sibling)) !== content) continue
    const known = signersOf(sibling)
    if (signers.size > known.size && [...known].every((id) => signers.has(id))) continue
    throw new ControlError(
      'forbidden',
      'This server has this update already, with the same or more signatures',
    )
  }
}

function signersOf({ signatures }: Aum): ReadonlySet<string> {
  return new Set((signatures ?? []).map(({ keyId }) => toHex(keyId ?? new Uint8Array())))
}
