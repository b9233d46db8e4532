// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, trusted keys: what one is, how it is named, and what is well-formed.
 *
 * @module
 */

import { encodeUtf8 } from '@signet/codec'
import { TkaError } from './errors.ts'
import { MAX_META_BYTES, MAX_VOTES } from './limits.ts'

/** Kinds of keys. Others can arrive on the wire; nothing verifies under them. */
export const KeyKind = { Invalid: 0, Ed25519: 1 } as const

/** A key that may sign updates and node keys. */
export interface Key {
  /** A {@link KeyKind}, or a number from the future. */
  readonly kind: number
  /** Weight when forks are resolved. */
  readonly votes: bigint
  /** 32 bytes for Ed25519; the wire does not enforce it, and other lengths can be added. */
  readonly public: Uint8Array | null
  /** Free-form, small. Null and empty encode alike but are told apart in memory. */
  readonly meta: ReadonlyMap<string, string> | null
}

const NO_BYTES = new Uint8Array(0)

/**
 * Returns the key's id: for Ed25519 the public key itself, not a hash of it.
 *
 * @throws TkaError `unknown-key-kind`
 */
export function keyId(key: Key): Uint8Array {
  if (key.kind === KeyKind.Ed25519) return key.public ?? NO_BYTES
  throw new TkaError('unknown-key-kind', `Cannot name a key of kind ${key.kind}`)
}

/**
 * Checks that a key may be trusted. The length of the public key is not checked, as in official
 * software: a key of odd length is inert, because no signature can name it.
 *
 * @throws TkaError `bad-votes`, `meta-too-big`, `unknown-key-kind`
 */
export function validateKey(key: Key): void {
  if (key.votes < 1n || key.votes > MAX_VOTES) {
    throw new TkaError('bad-votes', `Cannot trust key: expected 1 to 4096 votes, got ${key.votes}`)
  }
  let size = 0
  for (const [name, value] of key.meta ?? []) {
    size += encodeUtf8(name).length + encodeUtf8(value).length
  }
  if (size > MAX_META_BYTES) {
    throw new TkaError(
      'meta-too-big',
      `Cannot trust key: expected at most ${MAX_META_BYTES} bytes of metadata, got ${size}`,
    )
  }
  if (key.kind !== KeyKind.Ed25519) {
    throw new TkaError('unknown-key-kind', `Cannot trust key: unknown kind ${key.kind}`)
  }
}
