// SPDX-License-Identifier: Apache-2.0

/**
 * Header compression (RFC 7541): all of it for reading, and for writing the least that is legal, so that
 * the other side's table stays empty.
 *
 * @module
 */

import { Http2Code, Http2Error } from './errors.ts'
import { STATIC_FIELDS } from './hpack-tables.ts'
import { decodeHuffman } from './huffman.ts'

/** One header field. */
export type HeaderField = readonly [name: string, value: string]

/** What a header list may have. */
export interface HeaderLimits {
  /** Fields. */
  readonly pairs: number
  /** Bytes, counted as the protocol does: 32 more for each field. */
  readonly bytes: number
}

/** The default of the protocol, and the size that clients of ours may use. */
const TABLE_BYTES = 4096
/** What a field counts beyond its text. */
const FIELD_OVERHEAD = 32
/** Far above every length and index that can be right here, far below where numbers lose precision. */
const MAX_INTEGER = 1 << 24

/** Reads header blocks; remembers between them what the other side asked to. */
export class HpackDecoder {
  readonly #limits: HeaderLimits
  /** Newest first. */
  readonly #table: HeaderField[] = []
  #tableBytes = 0
  #tableLimit = TABLE_BYTES
  #block: Uint8Array = new Uint8Array()
  #at = 0

  constructor(limits: HeaderLimits) {
    this.#limits = limits
  }

  /**
   * Decodes one whole block. After an error the decoder is of no use: the tables differ.
   *
   * @throws Http2Error
   */
  decode(block: Uint8Array): HeaderField[] {
    this.#block = block
    this.#at = 0
    const fields: HeaderField[] = []
    let bytes = 0
    while (this.#at < block.length) {
      const field = this.#next(fields.length === 0)
      if (field === null) continue
      bytes += sizeOf(field)
      if (fields.length >= this.#limits.pairs || bytes > this.#limits.bytes) {
        throw new Http2Error(Http2Code.EnhanceYourCalm, 'Refused request: too many header fields')
      }
      fields.push(field)
    }
    this.#block = new Uint8Array()
    return fields
  }

  /** The next field; null after an instruction that gives none. */
  #next(mayResize: boolean): HeaderField | null {
    const first = this.#block[this.#at] ?? 0
    if (first >= 0x80) return this.#lookUp(this.#integer(7))
    if (first >= 0x40) {
      const field = this.#literal(6)
      this.#remember(field)
      return field
    }
    if (first >= 0x20) {
      if (!mayResize) fail('table size changed within a block')
      const limit = this.#integer(5)
      if (limit > TABLE_BYTES) fail('table larger than allowed')
      this.#tableLimit = limit
      this.#evict(0)
      return null
    }
    // Without indexing, or never to be indexed: the same for whoever does not pass it on.
    return this.#literal(4)
  }

  #literal(prefix: number): HeaderField {
    const index = this.#integer(prefix)
    const name = index === 0 ? this.#string() : this.#lookUp(index)[0]
    return [name, this.#string()]
  }

  #lookUp(index: number): HeaderField {
    const field = STATIC_FIELDS[index - 1] ?? this.#table[index - 1 - STATIC_FIELDS.length]
    return field ?? fail(`no field at index ${index}`)
  }

  #remember(field: HeaderField): void {
    const size = sizeOf(field)
    this.#evict(size)
    if (size > this.#tableLimit) return
    this.#table.unshift(field)
    this.#tableBytes += size
  }

  #evict(room: number): void {
    while (this.#tableBytes + room > this.#tableLimit) {
      const oldest = this.#table.pop()
      if (oldest === undefined) return
      this.#tableBytes -= sizeOf(oldest)
    }
  }

  #integer(prefix: number): number {
    const mask = (1 << prefix) - 1
    let value = this.#byte() & mask
    if (value < mask) return value
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte()
      value += (byte & 0x7f) << shift
      if (value > MAX_INTEGER) break
      if (byte < 0x80) return value
    }
    return fail('number too large')
  }

  #string(): string {
    const isHuffman = (this.#block[this.#at] ?? 0) >= 0x80
    const length = this.#integer(7)
    const end = this.#at + length
    if (end > this.#block.length) fail('string cut off')
    const bytes = this.#block.subarray(this.#at, end)
    this.#at = end
    return isHuffman ? decodeHuffman(bytes) : latin1(bytes)
  }

  #byte(): number {
    return this.#block[this.#at++] ?? fail('block cut off')
  }
}

/** Encodes a header block of fields that leave no trace at the other side. */
export function encodeHeaders(fields: readonly HeaderField[]): Uint8Array {
  const parts: Buffer[] = []
  for (const [name, value] of fields) {
    const index = STATIC_FIELDS.findIndex(([known, text]) => known === name && text === value) + 1
    if (index > 0) {
      parts.push(integer(0x80, 7, index))
      continue
    }
    const nameIndex = STATIC_FIELDS.findIndex(([known]) => known === name) + 1
    parts.push(integer(0, 4, nameIndex))
    if (nameIndex === 0) parts.push(...plainString(name))
    parts.push(...plainString(value))
  }
  return Buffer.concat(parts)
}

function plainString(text: string): Buffer[] {
  const bytes = Buffer.from(text, 'latin1')
  return [integer(0, 7, bytes.length), bytes]
}

function integer(pattern: number, prefix: number, value: number): Buffer {
  const mask = (1 << prefix) - 1
  if (value < mask) return Buffer.of(pattern | value)
  const bytes = [pattern | mask]
  let rest = value - mask
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}

function sizeOf([name, value]: HeaderField): number {
  return name.length + value.length + FIELD_OVERHEAD
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

function fail(what: string): never {
  throw new Http2Error(Http2Code.Compression, `Cannot decode header block: ${what}`)
}
