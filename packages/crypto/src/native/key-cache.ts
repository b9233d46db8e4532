// SPDX-License-Identifier: Apache-2.0

/**
 * A bounded cache of imported public keys. Importing costs as much as a verification, and the same
 * few keys come again and again. Private keys are never kept here.
 *
 * @module
 */

import { createPublicKey, type KeyObject } from 'node:crypto'

/** Returns the imported form of a raw public key. */
export type ImportPublicKey = (raw: Uint8Array) => KeyObject

/** Creates an importer that remembers up to `capacity` keys and forgets the least recently used. */
export function createKeyCache(spkiPrefix: Uint8Array, capacity: number): ImportPublicKey {
  const cache = new Map<string, KeyObject>()
  return (raw) => {
    const id = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('latin1')
    const known = cache.get(id)
    if (known) {
      // Insertion order is the order of last use.
      cache.delete(id)
      cache.set(id, known)
      return known
    }
    const key = createPublicKey({
      key: Buffer.concat([spkiPrefix, raw]),
      format: 'der',
      type: 'spki',
    })
    const [oldest] = cache.keys()
    if (cache.size >= capacity && oldest !== undefined) cache.delete(oldest)
    cache.set(id, key)
    return key
  }
}
