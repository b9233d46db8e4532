// SPDX-License-Identifier: Apache-2.0

/**
 * Text in and out of JSON as Go's encoding/json does it.
 *
 * @module
 */

import { encodeUtf8 } from '@signet/codec'

const UNSAFE = /[<>&\u2028\u2029]/
const UNSAFE_ALL = /[<>&\u2028\u2029]/g

// Printable ASCII that neither JSON nor Go escapes.
const PLAIN = /^[ !#-%'-;=?-[\]-~]*$/

/** Returns the JSON text of a string, with the same characters escaped as Go escapes. */
export function encodeText(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`
  const json = JSON.stringify(text)
  return UNSAFE.test(json) ? escapeUnsafe(json) : json
}

/** Escapes the characters that Go keeps out of JSON text that may end up inside HTML. */
export function escapeUnsafe(json: string): string {
  return json.replace(
    UNSAFE_ALL,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Compares two texts by their UTF-8 bytes, the order of map keys in Go. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    // Surrogates stand for code points above every other unit, so they sort last.
    if (x !== y) return (isSurrogate(x) ? x + 0x10000 : x) - (isSurrogate(y) ? y + 0x10000 : y)
  }
  return a.length - b.length
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}

/** Returns the UTF-8 bytes of a JSON text. */
export function jsonBytes(json: string): Uint8Array {
  return encodeUtf8(json)
}

/**
 * Decodes UTF-8 as Go reads text inside JSON: each byte that is not part of a valid sequence
 * becomes one U+FFFD. A byte-order mark stays and is refused by the reader.
 */
export function decodeUtf8Leniently(bytes: Uint8Array): string {
  let out = ''
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at)
    out += length === 0 ? '\ufffd' : String.fromCodePoint(codePoint(bytes, at, length))
    at += length === 0 ? 1 : length
  }
  return out
}

function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const length =
    first >= 0xc2 && first <= 0xdf
      ? 2
      : first >= 0xe0 && first <= 0xef
        ? 3
        : first >= 0xf0 && first <= 0xf4
          ? 4
          : 0
  for (let i = 1; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  if (length > 2) {
    const point = codePoint(bytes, at, length)
    const least = length === 3 ? 0x800 : 0x10000
    if (point < least || point > 0x10ffff || isSurrogate(point)) return 0
  }
  return length
}

function codePoint(bytes: Uint8Array, at: number, length: number): number {
  const first = bytes[at] ?? 0
  if (length === 1) return first
  let point = first & (0xff >> (length + 1))
  for (let i = 1; i < length; i++) point = (point << 6) | ((bytes[at + i] ?? 0) & 0x3f)
  return point
}
