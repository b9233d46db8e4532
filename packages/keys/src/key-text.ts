// SPDX-License-Identifier: Apache-2.0

/**
 * The text form that all keys share: a prefix that names the type, then hexadecimal. Read with
 * digits of either case, because official software does; written in lower case only.
 *
 * @module
 */

import { CodecError, fromHex, toHex } from '@signet/codec'
import { KeyError } from './errors.ts'

/** A public key type of 32 bytes, as its five operations. */
export interface PublicKeyText<K extends string> {
  /** Returns the key of a text. */
  readonly parse: (text: string) => K
  /** Returns the key of 32 raw bytes. */
  readonly fromBytes: (raw: Uint8Array) => K
  /** Returns the 32 raw bytes of a key. */
  readonly bytes: (key: K) => Uint8Array
  /** The key of 32 zero bytes, which stands for "none" on the wire. */
  readonly zero: K
}

/** Creates the operations of one public key type. */
export function createPublicKeyText<K extends string>(prefix: string): PublicKeyText<K> {
  // The only constructor of this brand: the prefix is put on, the digits come from bytes.
  const fromBytes = (raw: Uint8Array): K => (prefix + toHex(requireBytes(raw, 32, prefix))) as K
  const canonical = new RegExp(`^${prefix}[0-9a-f]{64}$`)
  return {
    // Nearly all texts are canonical; a network map holds tens of thousands.
    parse: (text) =>
      canonical.test(text) ? (text as K) : fromBytes(parsePrefixedHex(text, prefix, 32)),
    fromBytes,
    bytes: (key) => fromHex(key.slice(prefix.length)),
    zero: fromBytes(new Uint8Array(32)),
  }
}

/**
 * Returns the bytes after a prefix.
 *
 * @throws KeyError `bad-key-text`
 */
export function parsePrefixedHex(text: string, prefix: string, length: number): Uint8Array {
  const expected = `expected "${prefix}" and ${2 * length} hex digits`
  if (!text.startsWith(prefix) || text.length !== prefix.length + 2 * length) {
    throw new KeyError('bad-key-text', `Cannot parse key: ${expected}`)
  }
  try {
    return fromHex(text.slice(prefix.length))
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause
    throw new KeyError('bad-key-text', `Cannot parse key: ${expected}`, { cause })
  }
}

/**
 * Returns the bytes if they have this length.
 *
 * @throws KeyError `bad-key-bytes`
 */
export function requireBytes(raw: Uint8Array, length: number, what: string): Uint8Array {
  if (raw.length === length) return raw
  throw new KeyError(
    'bad-key-bytes',
    `Cannot make ${what} key: expected ${length} bytes, got ${raw.length}`,
  )
}
