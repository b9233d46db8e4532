// SPDX-License-Identifier: Apache-2.0

/**
 * The record layer after the handshake: type 4, length, ciphertext.
 *
 * The nonce is four zero bytes and a big-endian counter. (Plain Noise and WireGuard count
 * little-endian.) The header is not authenticated, and there is no re-keying.
 *
 * @module
 */

import { concatBytes } from '@signet/codec'
import { type Aead, createAead } from '@signet/crypto'
import { NoiseError } from './errors.ts'
import { HEADER_LENGTH, MAX_RECORD, MAX_RECORD_PLAINTEXT, TAG_LENGTH } from './limits.ts'
import { messageLength, MessageType } from './messages.ts'

const EMPTY = new Uint8Array()
/** The last counter is never used. */
const COUNTER_END = 2n ** 64n - 1n

/** Where the next nonce is written: used at once, so that connections need none of their own. */
const nonce = new Uint8Array(12)

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** Hands out nonces 0, 1, 2, ... until they are used up. */
class NonceCounter {
  #high: number
  #low: number

  constructor(start: bigint) {
    this.#high = Number(start >> 32n)
    this.#low = Number(start & 0xffff_ffffn)
  }

  /** Returns the next nonce; the array is reused by the following call, of any counter. */
  next(): Uint8Array {
    if (this.#low === 0xffff_ffff && this.#high === 0xffff_ffff) {
      throw new NoiseError('exhausted', `Cannot use record counter ${COUNTER_END}: it is the last`)
    }
    writeUint32(nonce, 4, this.#high)
    writeUint32(nonce, 8, this.#low)
    if (this.#low === 0xffff_ffff) {
      this.#low = 0
      this.#high += 1
    } else this.#low += 1
    return nonce
  }
}

/** Seals what one side sends. */
export class RecordWriter {
  readonly #aead: Aead
  readonly #counter: NonceCounter

  /** `startCounter` is 0 for every real connection. */
  constructor(key: Uint8Array, startCounter = 0n) {
    this.#aead = createAead(key)
    this.#counter = new NonceCounter(startCounter)
  }

  /**
   * Returns the records that carry `plaintext`, as one run of bytes: as few records as possible,
   * one empty record for an empty plaintext.
   *
   * @throws NoiseError `exhausted`
   */
  seal(plaintext: Uint8Array): Uint8Array {
    const out = new Uint8Array(sealedLength(plaintext.length))
    this.sealInto(plaintext, out)
    return out
  }

  /**
   * The same into room of {@link sealedLength} that the caller has.
   *
   * @throws NoiseError `exhausted`
   */
  sealInto(plaintext: Uint8Array, out: Uint8Array): void {
    if (plaintext.length <= MAX_RECORD_PLAINTEXT) {
      this.sealOneInto(plaintext, out, out.subarray(HEADER_LENGTH, sealedLength(plaintext.length)))
      return
    }
    let at = 0
    for (let from = 0, left = recordsFor(plaintext.length); left > 0; left -= 1) {
      const part = plaintext.subarray(from, from + MAX_RECORD_PLAINTEXT)
      const end = at + HEADER_LENGTH + part.length + TAG_LENGTH
      const record = out.subarray(at, end)
      this.sealOneInto(part, record, record.subarray(HEADER_LENGTH))
      from += MAX_RECORD_PLAINTEXT
      at = end
    }
  }

  /**
   * The same for what fits into one record. `ciphertext` is the part of `out` after the header: who sends many
   * of one length need not make it each time, and a view costs as much as the copy of a small message.
   *
   * @throws NoiseError `exhausted`
   */
  sealOneInto(plaintext: Uint8Array, out: Uint8Array, ciphertext: Uint8Array): void {
    const length = plaintext.length + TAG_LENGTH
    out[0] = MessageType.Record
    out[1] = length >> 8
    out[2] = length & 0xff
    this.#aead.sealInto(this.#counter.next(), EMPTY, plaintext, ciphertext)
  }
}

/** Length of the records that carry so much plaintext. */
export function sealedLength(plaintext: number): number {
  return plaintext + recordsFor(plaintext) * (HEADER_LENGTH + TAG_LENGTH)
}

function recordsFor(plaintext: number): number {
  return Math.max(1, Math.ceil(plaintext / MAX_RECORD_PLAINTEXT))
}

/** Opens what the other side sent, in whatever pieces it arrives. The first error is final. */
export class RecordReader {
  readonly #aead: Aead
  readonly #counter: NonceCounter
  #remainder: Uint8Array = EMPTY
  #failed: NoiseError | undefined

  /** `startCounter` is 0 for every real connection. */
  constructor(key: Uint8Array, startCounter = 0n) {
    this.#aead = createAead(key)
    this.#counter = new NonceCounter(startCounter)
  }

  /**
   * Takes the next bytes and gives the plaintext of each record that is now complete to `deliver`.
   * Empty records are legal and deliver nothing. What came before an error is delivered.
   *
   * @throws NoiseError `wrong-type`, `too-large`, `decrypt`, `exhausted`; after one of these, the
   *   same again
   */
  push(chunk: Uint8Array, deliver: (plaintext: Uint8Array) => void): void {
    if (this.#failed !== undefined) throw this.#failed
    let data = this.#remainder.length === 0 ? chunk : concatBytes(this.#remainder, chunk)
    while (data.length >= HEADER_LENGTH) {
      const size = HEADER_LENGTH + messageLength(data)
      if (data[0] !== MessageType.Record) this.#fail('wrong-type', `message type ${data[0]}`)
      if (size > MAX_RECORD) this.#fail('too-large', `${size} bytes, limit ${MAX_RECORD}`)
      if (data.length < size) break
      const plaintext = this.#open(data.subarray(HEADER_LENGTH, size))
      data = data.subarray(size)
      if (plaintext.length > 0) deliver(plaintext)
    }
    // At most one record: a copy of it does not keep a larger chunk alive.
    this.#remainder = data.length === 0 ? EMPTY : data.slice()
  }

  /**
   * Says that the stream is over.
   *
   * @throws NoiseError `truncated` if it ended inside a record (official software is silent here)
   */
  end(): void {
    if (this.#failed !== undefined) throw this.#failed
    if (this.#remainder.length > 0) this.#fail('truncated', 'the stream ended inside it')
  }

  #open(ciphertext: Uint8Array): Uint8Array {
    let plaintext: Uint8Array | null
    try {
      plaintext = this.#aead.open(this.#counter.next(), EMPTY, ciphertext)
    } catch (error) {
      if (error instanceof NoiseError) this.#failed = error
      throw error
    }
    return plaintext ?? this.#fail('decrypt', 'it was changed, or is out of order')
  }

  #fail(code: ConstructorParameters<typeof NoiseError>[0], what: string): never {
    this.#failed = new NoiseError(code, `Cannot read record: ${what}`)
    this.#remainder = EMPTY
    throw this.#failed
  }
}
