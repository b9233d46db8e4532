// SPDX-License-Identifier: Apache-2.0

/**
 * The kinds of plain values that messages are made of.
 *
 * @module
 */

import { fromBase64, toBase64 } from '@signet/codec'
import { ProtocolError } from './errors.ts'
import { canonicalAddress, canonicalAddressPort, canonicalPrefix } from './ip.ts'
import { JsonReader } from './json-reader.ts'
import { encodeText, escapeUnsafe } from './json-text.ts'
import type { Codec } from './schema.ts'
import { checkWritableTime, isNoTime, NO_TIME, parseWireTime, type WireTime } from './wire-time.ts'

function scalar<T>(
  zero: T,
  decode: (reader: JsonReader) => T,
  encode: (value: T) => string,
): Codec<T> {
  const isZero = (value: T): boolean => value === zero
  return { zero, nulls: 'keep', decode, encode, isEmpty: isZero, isZero }
}

/** Text. */
export const text: Codec<string> = scalar('', (reader) => reader.readString(), encodeText)

/** A truth value. */
export const bool: Codec<boolean> = scalar(
  false,
  (reader) => reader.readBool(),
  (value) => (value ? 'true' : 'false'),
)

/** A truth value that may be unknown. `null` is kept as such, as the official type does. */
export const optionalBool: Codec<boolean | null> = {
  zero: null,
  nulls: 'value',
  decode: (reader) => (reader.tryNull() ? null : reader.readBool()),
  encode: (value) => (value === null ? 'null' : value ? 'true' : 'false'),
  isEmpty: () => false,
  isZero: () => false,
}

/** A floating point number. */
export const float: Codec<number> = scalar(
  0,
  (reader) => reader.readNumber(),
  (value) => {
    if (!Number.isFinite(value)) throw new ProtocolError('encode', `Cannot write number: ${value}`)
    return String(value)
  },
)

function integer(least: number, most: number): Codec<number> {
  return scalar(
    0,
    (reader) => {
      const value = reader.readInteger()
      if (typeof value === 'bigint' || value < least || value > most) {
        return reader.fail('value', 'integer out of range')
      }
      return value
    },
    (value) => {
      if (!Number.isInteger(value) || value < least || value > most) {
        throw new ProtocolError('encode', `Cannot write integer: ${value}`)
      }
      return String(value)
    },
  )
}

/**
 * A signed integer. Values beyond 2^53 are refused although Go takes them: identifiers must stay
 * exact, and no real one is that large.
 */
export const int: Codec<number> = integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)

/** An integer of 16 bits, such as a port. */
export const uint16: Codec<number> = integer(0, 65_535)

/** An integer of 8 bits. */
export const uint8: Codec<number> = integer(0, 255)

function bigInteger(least: bigint, most: bigint): Codec<number | bigint> {
  const isZero = (value: number | bigint): boolean => value === 0 || value === 0n
  return {
    zero: 0,
    nulls: 'keep',
    decode: (reader) => {
      const value = reader.readInteger()
      if (value < least || value > most) return reader.fail('value', 'integer out of range')
      return value
    },
    encode: (value) => {
      if (
        value < least ||
        value > most ||
        (typeof value === 'number' && !Number.isSafeInteger(value))
      ) {
        throw new ProtocolError('encode', `Cannot write integer: ${value}`)
      }
      return String(value)
    },
    isEmpty: isZero,
    isZero,
  }
}

/** A signed integer of 64 bits: a number while that is exact, else a bigint. */
export const int64: Codec<number | bigint> = bigInteger(-(2n ** 63n), 2n ** 63n - 1n)

/** An unsigned integer of 64 bits: a number while that is exact, else a bigint. */
export const uint64: Codec<number | bigint> = bigInteger(0n, 2n ** 64n - 1n)

/** An unsigned integer of 64 bits that is always a bigint, such as a state id of the authority. */
export const uint64Exact: Codec<bigint> = scalar(
  0n,
  (reader) => BigInt(uint64.decode(reader)),
  (value) => uint64.encode(value),
)

/** Bytes: standard base64 with padding, or (as Go allows) a list of numbers. */
export const bytes: Codec<Uint8Array | null> = {
  zero: null,
  nulls: 'reset',
  decode: (reader) => (reader.atList() ? decodeNumbers(reader) : decodeBase64(reader)),
  encode: (value) => (value === null ? 'null' : `"${toBase64(value)}"`),
  isEmpty: (value) => value === null || value.length === 0,
  isZero: (value) => value === null,
}

function decodeBase64(reader: JsonReader): Uint8Array {
  const encoded = reader.readString()
  try {
    return fromBase64(encoded)
  } catch {
    return reader.fail('value', 'malformed base64')
  }
}

function decodeNumbers(reader: JsonReader): Uint8Array {
  const out: number[] = []
  if (reader.openList()) {
    do out.push(reader.tryNull() ? 0 : uint8.decode(reader))
    while (reader.moreElements())
  }
  return Uint8Array.from(out)
}

/** Bytes that Go writes as a list of numbers (arrays of fixed length). */
export function byteArray(length: number): Codec<Uint8Array | null> {
  return {
    zero: null,
    nulls: 'reset',
    decode: (reader) => {
      const numbers = decodeNumbers(reader)
      if (numbers.length !== length) return reader.fail('value', `expected ${length} bytes`)
      return numbers
    },
    encode: (value) => (value === null ? 'null' : `[${value.join(',')}]`),
    isEmpty: (value) => value === null,
    isZero: (value) => value === null,
  }
}

/** A kind of value that is a text with a syntax of its own. */
export function parsedText<T extends string>(
  zero: T,
  parse: (text: string) => T,
  what: string,
  encode: (value: T) => string = encodeText,
): Codec<T> {
  return scalar(
    zero,
    (reader) => {
      const given = reader.readString()
      try {
        return parse(given)
      } catch (error) {
        if (error instanceof ProtocolError) throw error
        throw new ProtocolError('value', `Cannot read JSON: malformed ${what}`, { cause: error })
      }
    },
    encode,
  )
}

/** A time. */
export const time: Codec<WireTime> = {
  ...parsedText(NO_TIME, parseWireTime, 'time', (value) => `"${checkWritableTime(value)}"`),
  isEmpty: () => false,
  isZero: isNoTime,
}

/** An IP address; "" is the invalid one. */
export const address: Codec<string> = parsedText('', canonicalAddress, 'address')

/** An IP prefix; "" is the invalid one. */
export const prefix: Codec<string> = parsedText('', canonicalPrefix, 'prefix')

/** An IP address with port; "" is the invalid one. */
export const addressPort: Codec<string> = parsedText('', canonicalAddressPort, 'address and port')

/** A piece of JSON that is passed on as it is. */
export type RawJson = string & { readonly brand: 'RawJson' }

/** Any JSON value, kept as text. */
export const rawJson: Codec<RawJson> = {
  // `null` is valid JSON text.
  zero: 'null' as RawJson,
  nulls: 'value',
  // readRaw has checked the syntax.
  decode: (reader) => reader.readRaw() as RawJson,
  encode: (value) => escapeUnsafe(compactJson(value)),
  isEmpty: () => false,
  isZero: () => false,
}

/**
 * Checks that a text is one JSON value and returns it as such.
 *
 * @throws ProtocolError
 */
export function parseRawJson(json: string): RawJson {
  const reader = new JsonReader(json)
  const raw = rawJson.decode(reader)
  reader.end()
  return raw
}

/** Returns JSON text without the white space between tokens. */
function compactJson(json: string): string {
  return json.replace(
    /("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+/g,
    (_, quoted: string | undefined) => quoted ?? '',
  )
}

/** A plain JSON value. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue }

/** Any JSON value as a tree. Objects have no prototype; numbers are doubles. */
export const anyJson: Codec<JsonValue> = {
  zero: null,
  nulls: 'value',
  decode: (reader) => readAny(reader),
  encode: encodeAny,
  isEmpty: (value) => value === null,
  isZero: (value) => value === null,
}

function readAny(reader: JsonReader): JsonValue {
  const kind = reader.nextKind()
  if (kind === 'text') return reader.readString()
  if (kind === 'bool') return reader.readBool()
  if (kind === 'number') return reader.readNumber()
  if (kind === 'null') {
    reader.tryNull()
    return null
  }
  if (kind === 'list') {
    const out: JsonValue[] = []
    if (!reader.openList()) return out
    do out.push(readAny(reader))
    while (reader.moreElements())
    return out
  }
  const out: Record<string, JsonValue> = Object.create(null)
  if (!reader.openObject()) return out
  do {
    const name = reader.readName()
    out[name] = readAny(reader)
  } while (reader.moreMembers())
  return out
}

function encodeAny(value: JsonValue): string {
  const json: string | undefined = JSON.stringify(value)
  if (json === undefined) throw new ProtocolError('encode', 'Cannot write JSON: not a JSON value')
  return escapeUnsafe(json)
}
