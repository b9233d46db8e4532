// SPDX-License-Identifier: Apache-2.0

/**
 * Hexadecimal (RFC 4648 section 8). Written in lower case, read in either case, as Go does.
 *
 * @module
 */

import { CodecError } from './errors.ts'

const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
)

/** Value of a digit by its character code; 255 for every other character. */
const DIGITS: Uint8Array = new Uint8Array(128).fill(255)
for (let value = 0; value < 16; value++) {
  DIGITS[value.toString(16).charCodeAt(0)] = value
  DIGITS[value.toString(16).toUpperCase().charCodeAt(0)] = value
}

/** Returns two lower-case digits for each byte. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += PAIRS[bytes[i] ?? 0]
  return text
}

/**
 * Returns the bytes of hexadecimal text; upper case is accepted.
 *
 * @throws CodecError `bad-hex`
 */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 2 !== 0) throw new CodecError('bad-hex', 'Cannot decode hex: odd length')
  const out = new Uint8Array(text.length / 2)
  for (let i = 0; i < out.length; i++) {
    const high = DIGITS[text.charCodeAt(2 * i)] ?? 255
    const low = DIGITS[text.charCodeAt(2 * i + 1)] ?? 255
    // 255 is the only table value with a bit above the low four.
    if ((high | low) > 15) {
      throw new CodecError('bad-hex', `Cannot decode hex: not a digit near position ${2 * i}`)
    }
    out[i] = (high << 4) | low
  }
  return out
}
