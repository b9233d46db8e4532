// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, which keys may sign node keys: an index over a state's keys, so that a
 * map of thousands of peers does not search the list for each of them.
 *
 * @module
 */

import { toHex } from '@signet/codec'
import { keyId, KeyKind, type Key } from './key.ts'

/** The ids of the keys that are trusted at one point of the chain. */
export interface TrustedKeys {
  has(keyId: Uint8Array): boolean
}

/**
 * Returns an index of keys. As in official software, a key of unknown kind hides those that stand
 * behind it: every search that gets that far fails.
 */
export function indexTrustedKeys(keys: readonly Key[] | null): TrustedKeys {
  const ids = new Set<string>()
  for (const key of keys ?? []) {
    if (key.kind !== KeyKind.Ed25519) break
    ids.add(toHex(keyId(key)))
  }
  return { has: (id) => ids.has(toHex(id)) }
}
