// SPDX-License-Identifier: Apache-2.0

/**
 * UTF-8 without surprises: bad bytes are an error, and a leading byte order mark is content.
 * (The platform's default drops that mark, which would change the hash of what was signed.)
 *
 * @module
 */

import { CodecError } from './errors.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Returns the UTF-8 bytes of a text; a lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text)
}

/**
 * Returns the text of UTF-8 bytes, byte order mark included.
 *
 * @throws CodecError `bad-utf8`
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new CodecError('bad-utf8', 'Cannot decode text: not valid UTF-8', { cause })
  }
}
