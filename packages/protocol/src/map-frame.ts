// SPDX-License-Identifier: Apache-2.0

/**
 * The framing of the map stream: a length of four bytes, little-endian, then that many bytes.
 *
 * @module
 */

import { concatBytes } from '@signet/codec'
import { ProtocolError } from './errors.ts'
import { MAX_MAP_FRAME } from './limits.ts'

const HEADER = 4

/**
 * Returns the frame of one payload.
 *
 * @throws ProtocolError `too-large`
 */
export function encodeMapFrame(payload: Uint8Array): Uint8Array {
  if (payload.length > MAX_MAP_FRAME) {
    throw new ProtocolError(
      'too-large',
      `Cannot frame ${payload.length} bytes: limit ${MAX_MAP_FRAME}`,
    )
  }
  const frame = new Uint8Array(HEADER + payload.length)
  new DataView(frame.buffer).setUint32(0, payload.length, true)
  frame.set(payload, HEADER)
  return frame
}

/** Settings of a {@link MapFrameReader}. */
export interface MapFrameOptions {
  /** Longest payload taken; {@link MAX_MAP_FRAME} unless told otherwise. */
  readonly limit?: number
  /**
   * Turns a frame into the JSON text it stands for, with at most `limit` bytes of output. Frames
   * are independent of each other. Without it, payloads are taken as they are.
   */
  readonly decompress?: (payload: Uint8Array, limit: number) => Uint8Array
}

/** Cuts a stream of bytes, in whatever pieces it comes, into payloads. */
export class MapFrameReader {
  readonly #limit: number
  readonly #decompress: ((payload: Uint8Array, limit: number) => Uint8Array) | undefined
  #parts: Uint8Array[] = []
  #buffered = 0
  /** Bytes needed before anything can be done. */
  #wanted = HEADER
  #failed = false

  constructor({ limit = MAX_MAP_FRAME, decompress }: MapFrameOptions = {}) {
    this.#limit = limit
    this.#decompress = decompress
  }

  /**
   * Takes the next bytes of the stream and returns the payloads that are now complete. The cost is
   * linear in the bytes, however small the pieces. After an error the reader stays failed.
   *
   * @throws ProtocolError `too-large`, `frame`
   */
  push(chunk: Uint8Array): Uint8Array[] {
    if (this.#failed)
      throw new ProtocolError('frame', 'Cannot read map stream: it has failed before')
    this.#parts.push(chunk)
    this.#buffered += chunk.length
    if (this.#buffered < this.#wanted) return []
    let data = this.#parts.length === 1 ? chunk : concatBytes(...this.#parts)
    const out: Uint8Array[] = []
    this.#wanted = HEADER
    while (data.length >= HEADER) {
      const length = new DataView(data.buffer, data.byteOffset, HEADER).getUint32(0, true)
      if (length > this.#limit) {
        this.#failed = true
        throw new ProtocolError(
          'too-large',
          `Cannot read map frame of ${length} bytes: limit ${this.#limit}`,
        )
      }
      if (data.length < HEADER + length) {
        this.#wanted = HEADER + length
        break
      }
      out.push(this.#open(data.slice(HEADER, HEADER + length)))
      data = data.subarray(HEADER + length)
    }
    // A copy, so that a few left-over bytes do not keep a large chunk alive.
    this.#parts = data.length === 0 ? [] : [data.slice()]
    this.#buffered = data.length
    return out
  }

  /**
   * Says that the stream is over.
   *
   * @throws ProtocolError `frame` if it was cut inside a frame
   */
  end(): void {
    if (this.#buffered > 0 && !this.#failed) {
      this.#failed = true
      throw new ProtocolError('frame', 'Cannot read map stream: it ended inside a frame')
    }
  }

  #open(payload: Uint8Array): Uint8Array {
    if (this.#decompress === undefined) return payload
    try {
      const opened = this.#decompress(payload, this.#limit)
      if (opened.length <= this.#limit) return opened
    } catch (cause) {
      this.#failed = true
      throw new ProtocolError('frame', 'Cannot decompress map frame', { cause })
    }
    this.#failed = true
    throw new ProtocolError(
      'too-large',
      `Cannot read map frame: more than ${this.#limit} bytes decompressed`,
    )
  }
}
