// SPDX-License-Identifier: Apache-2.0

/**
 * Canonical CBOR, written: CTAP2 canonical form of RFC 8949 items. Shortest heads, definite
 * lengths, map keys strictly ascending by the bytes of their encoding. Hashes and signatures are
 * over this form, so the writer refuses to produce anything else.
 *
 * @module
 */

import { compareBytes } from './bytes.ts'
import { CodecError } from './errors.ts'
import { encodeUtf8 } from './utf8.ts'

const MAX_UINT64 = 0xffff_ffff_ffff_ffffn

interface Frame {
  /** Items still to come: a map of n pairs has 2n. */
  left: number
  readonly isMap: boolean
  keyStart: number
  lastKey: Uint8Array | null
}

/**
 * Writes one canonical item. Every method returns the writer. A container is announced with its
 * size; the items that follow fill it.
 *
 * @throws CodecError `cbor-writer` from any method, on keys out of order or repeated, a count that
 *   does not come out, or a number that is no uint64
 *
 * @example new CborWriter().map(2).uint(1).uint(3).uint(2).null().finish()
 */
export class CborWriter {
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(256)
  #length = 0
  #done = false
  readonly #frames: Frame[] = []

  /** Writes an unsigned integer of up to 64 bits. */
  uint(value: number | bigint): this {
    this.#open()
    this.#head(0, value)
    return this.#close()
  }

  /** Writes a byte string; null is written as CBOR null, which hashes differently from empty. */
  bytes(value: Uint8Array | null): this {
    if (value === null) return this.null()
    this.#open()
    this.#head(2, value.length)
    this.#append(value)
    return this.#close()
  }

  /** Writes a text string; a lone surrogate becomes U+FFFD, as in Go. */
  text(value: string): this {
    const utf8 = encodeUtf8(value)
    this.#open()
    this.#head(3, utf8.length)
    this.#append(utf8)
    return this.#close()
  }

  /** Announces an array; the next `count` items are its elements. */
  array(count: number): this {
    this.#open()
    this.#head(4, count)
    return this.#enter(count, false)
  }

  /** Announces a map; the next `2 * pairs` items are key, value, key, value. */
  map(pairs: number): this {
    this.#open()
    this.#head(5, pairs)
    return this.#enter(2 * pairs, true)
  }

  /** Writes null. */
  null(): this {
    this.#open()
    this.#append(Uint8Array.of(0xf6))
    return this.#close()
  }

  /** Writes a whole map of texts, sorted: shorter UTF-8 first, then bytewise. */
  textMap(entries: ReadonlyMap<string, string>): this {
    const sorted = [...entries]
      .map(([key, value]) => ({ utf8: encodeUtf8(key), key, value }))
      .sort((a, b) => a.utf8.length - b.utf8.length || compareBytes(a.utf8, b.utf8))
    this.map(sorted.length)
    for (const { key, value } of sorted) this.text(key).text(value)
    return this
  }

  /** Returns the bytes; the one item must be whole. */
  finish(): Uint8Array<ArrayBuffer> {
    if (!this.#done) throw misuse('the item is not complete')
    return this.#buffer.slice(0, this.#length)
  }

  #open(): void {
    if (this.#done) throw misuse('the item is complete')
    const frame = this.#frames.at(-1)
    if (frame) frame.keyStart = this.#length
  }

  /** Ends an item: checks key order if it was a key, and ends every container that it filled. */
  #close(): this {
    for (;;) {
      const frame = this.#frames.at(-1)
      if (!frame) {
        this.#done = true
        return this
      }
      if (frame.isMap && frame.left % 2 === 0) {
        const key = this.#buffer.slice(frame.keyStart, this.#length)
        if (frame.lastKey && compareBytes(frame.lastKey, key) >= 0) {
          throw misuse('map keys must be strictly ascending')
        }
        frame.lastKey = key
      }
      frame.left--
      if (frame.left > 0) return this
      this.#frames.pop()
    }
  }

  #enter(items: number, isMap: boolean): this {
    if (items === 0) return this.#close()
    this.#frames.push({ left: items, isMap, keyStart: this.#length, lastKey: null })
    return this
  }

  #head(major: number, value: number | bigint): void {
    if (typeof value === 'number' && !(Number.isSafeInteger(value) && value >= 0)) {
      throw misuse(`not an unsigned integer: ${value}`)
    }
    if (typeof value === 'bigint' && (value < 0n || value > MAX_UINT64)) {
      throw misuse(`not a uint64: ${value}`)
    }
    const size = value < 24 ? 0 : value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 2 ** 32 ? 4 : 8
    this.#reserve(1 + size)
    const view = new DataView(this.#buffer.buffer)
    const at = this.#length + 1
    const info = size === 0 ? Number(value) : 24 + Math.log2(size)
    view.setUint8(this.#length, (major << 5) | info)
    if (size === 1) view.setUint8(at, Number(value))
    else if (size === 2) view.setUint16(at, Number(value))
    else if (size === 4) view.setUint32(at, Number(value))
    else if (size === 8) view.setBigUint64(at, BigInt(value))
    this.#length += 1 + size
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#buffer.length) return
    const bigger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length))
    bigger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = bigger
  }
}

function misuse(reason: string): CodecError {
  return new CodecError('cbor-writer', `Cannot write CBOR: ${reason}`)
}
