// SPDX-License-Identifier: Apache-2.0

/**
 * Private keys, which do not print: not by string conversion, not as JSON, not in a log or a
 * debugger's view of an object that holds one. The bytes leave through two named functions.
 *
 * @module
 */

import { toHex } from '@signet/codec'
import { requireBytes } from './key-text.ts'

const REDACTED = '<redacted>'

/** What a private key is for. Keys of different kinds do not mix. */
export type PrivateKeyKind = 'machine' | 'node' | 'disco' | 'challenge' | 'lock' | 'derp-mesh'

/** A private key of one kind. */
export class PrivateKey<Kind extends PrivateKeyKind> {
  readonly kind: Kind
  readonly #bytes: Uint8Array

  /** Takes a copy of the bytes. */
  constructor(kind: Kind, bytes: Uint8Array) {
    this.kind = kind
    this.#bytes = new Uint8Array(requireBytes(bytes, kind === 'lock' ? 64 : 32, kind))
  }

  /** The raw bytes, not a copy: not to be changed. Reached through {@link privateKeyBytes}. */
  static bytesOf(key: PrivateKey<PrivateKeyKind>): Uint8Array {
    return key.#bytes
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }
}

// What Node's `console.log` and `util.inspect` show; an unused property elsewhere.
Object.defineProperty(PrivateKey.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value: () => REDACTED,
})

/**
 * Returns the raw bytes of a private key, for the cipher that needs them. The same array every
 * time, so that native key imports can be remembered; not to be changed, not to be stored.
 */
export function privateKeyBytes(key: PrivateKey<PrivateKeyKind>): Uint8Array {
  return PrivateKey.bytesOf(key)
}

/** Kinds that official software writes to its state file, and their prefixes there. */
const TEXT_PREFIXES = { machine: 'privkey:', node: 'privkey:', lock: 'nlpriv:' } as const

/** Returns the text of a private key: for the state file of its owner, and nothing else. */
export function privateKeyText(key: PrivateKey<keyof typeof TEXT_PREFIXES>): string {
  return TEXT_PREFIXES[key.kind] + toHex(PrivateKey.bytesOf(key))
}
