// SPDX-License-Identifier: Apache-2.0

/**
 * A map from raw public keys, looked up where they lie in a packet: no text and no copy is made for
 * each packet. Keys are told apart by their first four bytes, then by all of them.
 *
 * Somebody can make keys that begin alike, but only keys of admitted nodes come into the table.
 *
 * @module
 */

import { KEY_LENGTH } from './limits.ts'

/** What is kept under a key. */
export interface Keyed {
  readonly raw: Uint8Array
}

/** The map. */
export class KeyTable<T extends Keyed> {
  readonly #buckets = new Map<number, T[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Finds what is kept under the key that begins at `at`. */
  find(bytes: Uint8Array, at: number): T | undefined {
    const bucket = this.#buckets.get(hashAt(bytes, at))
    if (bucket === undefined) return undefined
    for (const entry of bucket) if (sameKey(entry.raw, bytes, at)) return entry
    return undefined
  }

  /** Adds an entry whose key is not in the table. */
  add(entry: T): void {
    const hash = hashAt(entry.raw, 0)
    const bucket = this.#buckets.get(hash)
    if (bucket === undefined) this.#buckets.set(hash, [entry])
    else bucket.push(entry)
    this.#size++
  }

  delete(entry: T): void {
    const hash = hashAt(entry.raw, 0)
    const bucket = this.#buckets.get(hash) ?? []
    const at = bucket.indexOf(entry)
    if (at === -1) return
    bucket.splice(at, 1)
    if (bucket.length === 0) this.#buckets.delete(hash)
    this.#size--
  }

  *[Symbol.iterator](): Generator<T> {
    for (const bucket of this.#buckets.values()) yield* bucket
  }
}

function hashAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  )
}

function sameKey(raw: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 4; i < KEY_LENGTH; i++) if (raw[i] !== bytes[at + i]) return false
  return true
}
