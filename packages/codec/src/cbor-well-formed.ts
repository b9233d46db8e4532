// SPDX-License-Identifier: Apache-2.0

/**
 * CBOR, first pass: is this one well-formed item within the limits? Runs over every byte before
 * anything is decoded or allocated, as the official decoder does, so that the second pass
 * ({@link CborReader}) can trust every length it meets.
 *
 * Lenient where the official decoder is: integers and lengths need not be shortest, keys need not
 * be sorted, text need not be UTF-8 (only text that is read is checked), floats are items.
 *
 * @module
 */

import { MAX_CBOR_ARRAY, MAX_CBOR_DEPTH, MAX_CBOR_MAP } from './cbor-limits.ts'
import { CodecError } from './errors.ts'

/** What may follow the item. */
export interface WellFormedOptions {
  /** Accept bytes after the item: only for reading files that official software wrote. */
  readonly allowTrailing?: boolean
}

/**
 * Checks that bytes are one well-formed item within the limits, and returns its length.
 *
 * @throws CodecError `cbor-malformed`, `cbor-forbidden`, `cbor-limit`, `cbor-trailing`
 */
export function checkWellFormed(bytes: Uint8Array, options: WellFormedOptions = {}): number {
  const end = itemEnd(bytes, 0, 0)
  if (end !== bytes.length && options.allowTrailing !== true) {
    throw new CodecError(
      'cbor-trailing',
      `Cannot read CBOR: ${bytes.length - end} bytes after the item`,
    )
  }
  return end
}

/** Returns the offset after the item at `start`, which stands inside `depth` containers. */
function itemEnd(bytes: Uint8Array, start: number, depth: number): number {
  const { major, info, value, end } = readHead(bytes, start)
  if (info === 31) throw indefinite(major)
  switch (major) {
    case 2:
    case 3:
      if (value > bytes.length - end) throw malformed('ends inside a string')
      return end + value
    case 4:
      return itemsEnd(bytes, end, value, value, MAX_CBOR_ARRAY, depth)
    case 5:
      return itemsEnd(bytes, end, value, 2 * value, MAX_CBOR_MAP, depth)
    case 6:
      throw new CodecError('cbor-forbidden', 'Cannot read CBOR: tags are not allowed')
    case 7:
      if (info === 24 && value < 32) throw malformed(`simple value ${value} in two bytes`)
      return end
    default:
      return end
  }
}

function itemsEnd(
  bytes: Uint8Array,
  start: number,
  size: number,
  items: number,
  limit: number,
  depth: number,
): number {
  if (depth >= MAX_CBOR_DEPTH) throw tooMuch(`deeper than ${MAX_CBOR_DEPTH} containers`)
  if (size > limit) throw tooMuch(`container of ${size}, at most ${limit}`)
  let end = start
  for (let i = 0; i < items; i++) end = itemEnd(bytes, end, depth + 1)
  return end
}

/** The first bytes of an item: what it is, and its number or length. */
export interface CborHead {
  /** Major type, 0 to 7. */
  readonly major: number
  /** Low five bits of the first byte. */
  readonly info: number
  /** The argument. Exact up to 2^53; larger ones only have to compare as "too long". */
  readonly value: number
  /** Offset of the first byte after the head. */
  readonly end: number
}

/**
 * Reads the head at an offset.
 *
 * @throws CodecError `cbor-malformed`
 */
export function readHead(bytes: Uint8Array, start: number): CborHead {
  const first = bytes[start]
  if (first === undefined) throw malformed('ends where an item should start')
  const major = first >> 5
  const info = first & 31
  if (info < 24 || info === 31) return { major, info, value: info, end: start + 1 }
  if (info > 27) throw malformed(`reserved head ${first}`)
  const size = 1 << (info - 24)
  if (bytes.length - start - 1 < size) throw malformed('ends inside a head')
  let value = 0
  for (let i = 1; i <= size; i++) value = value * 256 + (bytes[start + i] ?? 0)
  return { major, info, value, end: start + 1 + size }
}

function indefinite(major: number): CodecError {
  return major >= 2 && major <= 5
    ? new CodecError('cbor-forbidden', 'Cannot read CBOR: indefinite lengths are not allowed')
    : malformed('a break or an indefinite head where none can be')
}

function malformed(reason: string): CodecError {
  return new CodecError('cbor-malformed', `Cannot read CBOR: ${reason}`)
}

function tooMuch(reason: string): CodecError {
  return new CodecError('cbor-limit', `Cannot read CBOR: ${reason}`)
}
