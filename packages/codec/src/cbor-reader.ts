// SPDX-License-Identifier: Apache-2.0

/**
 * CBOR, second pass: typed reads with exactly the leniency of the decoder that official software
 * uses (fxamacker/cbor v2.9.0 as the Tailnet Key Authority configures it). Who accepts more or
 * less than the others ends up on another chain, so each oddity below is deliberate:
 *
 *   - null and undefined are accepted for every type, and mean its zero value
 *   - simple values 0..19 and 32..255 read as unsigned integers
 *   - an array of small integers reads as bytes
 *   - bytes of another length read into a fixed length: cut, or filled with zeros
 *   - the text "7" is the same key as the integer 7
 *   - unknown keys are skipped, whatever their values, but may not repeat
 *
 * Nil and empty stay apart: reads of bytes, lists and maps return null for nil.
 *
 * @module
 */

import { CodecError } from './errors.ts'
import { decodeUtf8 } from './utf8.ts'
import { checkWellFormed, readHead, type WellFormedOptions } from './cbor-well-formed.ts'

/** Reads one field's value from the reader; it must consume exactly one item. */
export type FieldReader = (reader: CborReader) => void

const TYPE_NAMES = [
  'uint',
  'negative int',
  'bytes',
  'text',
  'array',
  'map',
  'tag',
  'simple',
] as const
const MAX_UINT8 = 0xff
const MAX_INT64 = 0x7fff_ffff_ffff_ffffn

/**
 * Reads one item that passed {@link checkWellFormed}. Every method consumes one item, and throws
 * CodecError `cbor-type` when the item is of another type, unless stated otherwise.
 */
export class CborReader {
  readonly #bytes: Uint8Array
  #offset = 0

  /**
   * Checks well-formedness and limits of the whole input first.
   *
   * @throws CodecError `cbor-malformed`, `cbor-forbidden`, `cbor-limit`, `cbor-trailing`
   */
  constructor(bytes: Uint8Array, options: WellFormedOptions = {}) {
    checkWellFormed(bytes, options)
    this.#bytes = bytes
  }

  /** Says whether the next item is null or undefined. Consumes nothing. */
  isNull(): boolean {
    const first = this.#bytes[this.#offset]
    return first === 0xf6 || first === 0xf7
  }

  /** Reads an item that may be absent: null for null or undefined, else what `read` returns. */
  readOptional<T>(read: (reader: CborReader) => T): T | null {
    return this.#takeNull() ? null : read(this)
  }

  /** Reads an unsigned integer of 8 or 64 bits; null reads as zero, a simple value as its number. */
  readUint(bits: 8 | 64): bigint {
    if (this.#takeNull()) return 0n
    const head = readHead(this.#bytes, this.#offset)
    const isSimple = head.major === 7 && head.info !== 20 && head.info !== 21 && head.info <= 24
    if (head.major !== 0 && !isSimple) throw this.#wrongType('uint')
    const value = this.#takeArgument()
    if (bits === 8 && value > MAX_UINT8) {
      throw new CodecError('cbor-type', `Cannot read CBOR: expected 8 bits, got ${value}`)
    }
    return value
  }

  /** Reads a signed integer of 64 bits, with the same leniency. */
  readInt64(): bigint {
    const { major } = readHead(this.#bytes, this.#offset)
    const value = major === 1 ? this.#takeArgument() : this.readUint(64)
    if (value > MAX_INT64) {
      throw new CodecError('cbor-type', 'Cannot read CBOR: integer is beyond 64 bits, signed')
    }
    return major === 1 ? -1n - value : value
  }

  /** Reads bytes, copied out of the input; null for nil. An array of uint8 is accepted. */
  readBytes(): Uint8Array<ArrayBuffer> | null {
    if (this.#takeNull()) return null
    const { major, value, end } = readHead(this.#bytes, this.#offset)
    if (major === 2) return this.#takeString(end, value)
    if (major !== 4) throw this.#wrongType('bytes')
    this.#offset = end
    const out = new Uint8Array(value)
    for (let i = 0; i < value; i++) out[i] = Number(this.readUint(8))
    return out
  }

  /** Reads exactly `length` bytes: longer input is cut, shorter is filled with zeros. */
  readFixedBytes(length: number): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(length)
    if (this.#takeNull()) return out
    const { major, value, end } = readHead(this.#bytes, this.#offset)
    if (major === 2) {
      out.set(this.#takeString(end, value).subarray(0, length))
      return out
    }
    if (major !== 4) throw this.#wrongType('bytes')
    this.#offset = end
    // Elements past the end are skipped unread, so their type does not matter.
    for (let i = 0; i < value; i++) {
      if (i < length) out[i] = Number(this.readUint(8))
      else this.skip()
    }
    return out
  }

  /**
   * Reads text, or null for nil.
   *
   * @throws CodecError `bad-utf8`, besides `cbor-type`
   */
  readText(): string | null {
    if (this.#takeNull()) return null
    const { major, value, end } = readHead(this.#bytes, this.#offset)
    if (major !== 3) throw this.#wrongType('text')
    return decodeUtf8(this.#takeString(end, value))
  }

  /** Reads a list; null for nil. `item` is called for each element and handles its own nulls. */
  readArray<T>(item: (reader: CborReader) => T): T[] | null {
    if (this.#takeNull()) return null
    const { major, value, end } = readHead(this.#bytes, this.#offset)
    if (major !== 4) throw this.#wrongType('array')
    this.#offset = end
    const out: T[] = []
    for (let i = 0; i < value; i++) out.push(item(this))
    return out
  }

  /**
   * Reads a map of text to text; null for nil.
   *
   * A null key or value stands for the key or value before it in the map (first: the empty text),
   * because the official decoder reuses its variable. Odd, but the chain's hash depends on it.
   *
   * @throws CodecError `cbor-duplicate-key`, `bad-utf8`, besides `cbor-type`
   */
  readTextMap(): Map<string, string> | null {
    if (this.#takeNull()) return null
    const { major, value: pairs, end } = readHead(this.#bytes, this.#offset)
    if (major !== 5) throw this.#wrongType('map')
    this.#offset = end
    const out = new Map<string, string>()
    let key = ''
    let value = ''
    for (let i = 0; i < pairs; i++) {
      key = this.readText() ?? key
      value = this.readText() ?? value
      if (out.has(key)) throw duplicate(key)
      out.set(key, value)
    }
    return out
  }

  /**
   * Reads a structure: a map from small integers to fields. Calls the reader of each field that is
   * there, in input order, at most once; skips the rest. Returns false, having called nothing, if
   * the item is null: the zero structure.
   *
   * @throws CodecError `cbor-duplicate-key`, `bad-utf8` (in a text key), besides `cbor-type`
   */
  readStruct(fields: ReadonlyMap<number, FieldReader>): boolean {
    if (this.#takeNull()) return false
    const { major, value: pairs, end } = readHead(this.#bytes, this.#offset)
    if (major !== 5) throw this.#wrongType('map')
    this.#offset = end
    const seen = new Set<number | bigint | string>()
    for (let i = 0; i < pairs; i++) {
      const key = this.#readStructKey()
      const number = fieldNumber(key)
      const field = number === undefined ? undefined : fields.get(number)
      // A known field is one key however it is spelled; unknown keys are told apart by type.
      const identity = field && number !== undefined ? number : key
      if (seen.has(identity)) throw duplicate(key)
      seen.add(identity)
      if (field) field(this)
      else this.skip()
    }
    return true
  }

  /** Consumes one item, whatever it is. */
  skip(): void {
    let items = 1
    while (items > 0) {
      const { major, value, end } = readHead(this.#bytes, this.#offset)
      const isString = major === 2 || major === 3
      this.#offset = isString ? end + value : end
      items += major === 4 ? value - 1 : major === 5 ? 2 * value - 1 : -1
    }
  }

  /** Returns a text key as text, an integer key as a 64-bit signed integer. */
  #readStructKey(): bigint | string {
    const { major, value, end } = readHead(this.#bytes, this.#offset)
    if (major === 3) return decodeUtf8(this.#takeString(end, value))
    if (major === 0) return BigInt.asIntN(64, this.#takeArgument())
    if (major === 1) return this.readInt64()
    throw this.#wrongType('integer or text key')
  }

  #takeNull(): boolean {
    if (!this.isNull()) return false
    this.#offset++
    return true
  }

  #takeString(start: number, length: number): Uint8Array<ArrayBuffer> {
    this.#offset = start + length
    return new Uint8Array(this.#bytes.subarray(start, start + length))
  }

  /** Consumes a head and returns its argument exactly. */
  #takeArgument(): bigint {
    const { info, value, end } = readHead(this.#bytes, this.#offset)
    const start = this.#offset
    this.#offset = end
    if (info !== 27) return BigInt(value)
    const { buffer, byteOffset } = this.#bytes
    return new DataView(buffer, byteOffset).getBigUint64(start + 1)
  }

  #wrongType(expected: string): CodecError {
    const actual = TYPE_NAMES[readHead(this.#bytes, this.#offset).major]
    return new CodecError('cbor-type', `Cannot read CBOR: expected ${expected}, got ${actual}`)
  }
}

/** The field that a key may name: 7, or "7" spelled without sign or leading zero. */
function fieldNumber(key: bigint | string): number | undefined {
  const number = Number(key)
  return Number.isSafeInteger(number) && String(number) === String(key) ? number : undefined
}

function duplicate(key: bigint | string): CodecError {
  const shown = typeof key === 'string' ? JSON.stringify(key) : String(key)
  return new CodecError('cbor-duplicate-key', `Cannot read CBOR: repeated key ${shown}`)
}
