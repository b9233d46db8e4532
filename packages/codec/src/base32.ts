// SPDX-License-Identifier: Apache-2.0

/**
 * Base32 (RFC 4648 section 6) with the standard alphabet and no padding: the text form of update
 * hashes on the wire.
 *
 * @module
 */

import { CodecError } from './errors.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const VALUES: Uint8Array = new Uint8Array(128).fill(255)
for (let value = 0; value < 32; value++) VALUES[ALPHABET.charCodeAt(value)] = value

/** Returns the base32 text of bytes, without padding. */
export function toBase32(bytes: Uint8Array): string {
  let text = ''
  let pending = 0
  let bits = 0
  for (let i = 0; i < bytes.length; i++) {
    pending = ((pending << 8) | (bytes[i] ?? 0)) & 0xfff
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(pending >> (bits - 5)) & 31]
  }
  return bits > 0 ? text + ALPHABET[(pending << (5 - bits)) & 31] : text
}

/**
 * Returns the bytes of unpadded base32 text, with the leniency of Go's decoder, because texts that
 * one member of a network accepts every member has to: CR and LF are skipped, spare bits of the
 * last character are not looked at, and a last group of 1, 3 or 6 characters, which no encoder
 * makes, adds nothing.
 *
 * @throws CodecError `bad-base32`
 */
export function fromBase32(text: string): Uint8Array<ArrayBuffer> {
  const values: number[] = []
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 10 || code === 13) continue
    const value = VALUES[code] ?? 255
    if (value > 31) {
      throw new CodecError('bad-base32', `Cannot decode base32: bad character at position ${i}`)
    }
    values.push(value)
  }
  const tail = values.length % 8
  if (tail === 1 || tail === 3 || tail === 6) values.length -= tail
  const out = new Uint8Array(Math.floor((values.length * 5) / 8))
  let pending = 0
  let bits = 0
  let length = 0
  for (const value of values) {
    pending = ((pending << 5) | value) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    out[length++] = (pending >> bits) & 255
  }
  return out
}
