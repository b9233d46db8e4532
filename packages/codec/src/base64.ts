// SPDX-License-Identifier: Apache-2.0

/**
 * Base64 (RFC 4648 sections 4 and 5): the form of byte strings in JSON, and of wrapped auth keys.
 *
 * @module
 */

import { CodecError } from './errors.ts'

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const URL_SAFE = STANDARD.slice(0, 62) + '-_'
const STANDARD_VALUES = valuesOf(STANDARD)
const URL_SAFE_VALUES = valuesOf(URL_SAFE)
const PAD = 0x3d

/** Returns standard base64 text, padded. */
export function toBase64(bytes: Uint8Array): string {
  const text = encode(bytes, STANDARD)
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

/** Returns standard base64 text without padding. */
export function toRawBase64(bytes: Uint8Array): string {
  return encode(bytes, STANDARD)
}

/** Returns URL-safe base64 text without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return encode(bytes, URL_SAFE)
}

/**
 * Returns the bytes of padded standard base64, with the leniency of Go's decoder: CR and LF are
 * skipped wherever they stand, spare bits of the last character are not looked at. Padding has to
 * be there and be right.
 *
 * @throws CodecError `bad-base64`
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return decode(text, STANDARD_VALUES, { padded: true, lenient: true })
}

/**
 * Returns the bytes of unpadded standard base64, with the same leniency as {@link fromBase64}.
 *
 * @throws CodecError `bad-base64`
 */
export function fromRawBase64(text: string): Uint8Array<ArrayBuffer> {
  return decode(text, STANDARD_VALUES, { padded: false, lenient: true })
}

/**
 * Returns the bytes of unpadded URL-safe base64, strictly: each byte string has exactly one text.
 * For our own tokens, where a second spelling would be a second token.
 *
 * @throws CodecError `bad-base64`
 */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return decode(text, URL_SAFE_VALUES, { padded: false, lenient: false })
}

function valuesOf(alphabet: string): Uint8Array {
  const values = new Uint8Array(128).fill(255)
  for (let value = 0; value < 64; value++) values[alphabet.charCodeAt(value)] = value
  return values
}

function encode(bytes: Uint8Array, alphabet: string): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    text += alphabet.charAt(group >> 18) + alphabet.charAt((group >> 12) & 63)
    if (left > 1) text += alphabet.charAt((group >> 6) & 63)
    if (left > 2) text += alphabet.charAt(group & 63)
  }
  return text
}

function decode(
  text: string,
  values: Uint8Array,
  { padded, lenient }: { padded: boolean; lenient: boolean },
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(Math.floor((text.length * 3) / 4))
  let length = 0
  let pending = 0
  let digits = 0
  let pads = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (lenient && (code === 10 || code === 13)) continue
    if (padded && code === PAD) {
      pads++
      continue
    }
    const value = values[code] ?? 255
    if (value > 63 || pads > 0) throw bad(`bad character at position ${i}`)
    pending = ((pending << 6) | value) & 0xffffff
    digits++
    if (digits % 4 === 0) {
      out[length++] = pending >> 16
      out[length++] = (pending >> 8) & 255
      out[length++] = pending & 255
    }
  }
  const tail = digits % 4
  if (tail === 1) throw bad('one character too many')
  if (padded && pads !== (4 - tail) % 4) throw bad('wrong padding')
  const spare = tail === 2 ? pending & 15 : tail === 3 ? pending & 3 : 0
  if (!lenient && spare !== 0) throw bad('spare bits are set')
  if (tail === 2) out[length++] = (pending >> 4) & 255
  if (tail === 3) {
    out[length++] = (pending >> 10) & 255
    out[length++] = (pending >> 2) & 255
  }
  return out.slice(0, length)
}

function bad(reason: string): CodecError {
  return new CodecError('bad-base64', `Cannot decode base64: ${reason}`)
}
