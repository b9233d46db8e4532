// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, updates that are known under another name.
 *
 * The hash of an update covers its signatures, and a signature does not cover the others. So anybody, without any
 * key, can give a known update another hash: by repeating a signature, by turning two around, by leaving one out.
 * Between siblings of equal weight the lowest hash wins, and with it goes all that followed the loser: a key
 * that was removed would be trusted again.
 *
 * A known update with more signatures is another matter: nobody makes it without another key, and it is how a
 * recovery gathers its votes.
 *
 * @module
 */

import { equalBytes, toHex } from '@signet/codec'
import { aumParent, type Aum } from './aum.ts'
import { aumHash, aumSigHash } from './aum-codec.ts'
import type { AumStore } from './store.ts'

/** Says whether two updates differ in nothing but their signatures. */
export function hasSameContent(a: Aum, b: Aum): boolean {
  return equalBytes(aumSigHash(a), aumSigHash(b))
}

/** Says whether an update is one that the store has by another name, with the same or more signers. */
export function isRenamed(aum: Aum, store: Pick<AumStore, 'children' | 'get'>): boolean {
  const parent = aumParent(aum)
  const siblings = parent === null ? [] : store.children(parent)
  if (siblings.length === 0) return false
  const own = aumHash(aum)
  const signers = new Set(signerIds(aum))
  return siblings.some((hash) => {
    const sibling = hash === own ? undefined : store.get(hash)
    if (sibling === undefined || !hasSameContent(sibling, aum)) return false
    const known = new Set(signerIds(sibling))
    return !(signers.size > known.size && known.isSubsetOf(signers))
  })
}

/** Says whether one key has signed an update twice, which official software takes. */
export function hasRepeatedSignature(aum: Aum): boolean {
  const ids = signerIds(aum)
  return new Set(ids).size < ids.length
}

/** The ids of the keys that signed, in hex. */
export function signerIds({ signatures }: Aum): string[] {
  return (signatures ?? []).map(({ keyId }) => toHex(keyId ?? new Uint8Array()))
}
