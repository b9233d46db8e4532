// SPDX-License-Identifier: Apache-2.0

/**
 * The framing of the map stream: a length of four bytes, little-endian, then that many bytes.
 *
 * @module
 */

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

/** What the reader makes room for at first; most frames are smaller. */
const FIRST_ROOM = 4096

/** Cuts a stream of bytes, in whatever pieces it comes, into payloads. */
export class MapFrameReader {
  readonly #limit: number
  readonly #decompress: ((payload: Uint8Array, limit: number) => Uint8Array) | undefined
  #buffer = new Uint8Array(FIRST_ROOM)
  #buffered = 0
  #failed = false

  constructor({ limit = MAX_MAP_FRAME, decompress }: MapFrameOptions = {}) {
    this.#limit = limit
    this.#decompress = decompress
  }

  /**
   * Takes the next bytes of the stream and returns the payloads that are now complete. The cost is
   * linear in the bytes, however small the pieces, and no more room is made than twice what came,
   * whatever length was announced. After an error the reader stays failed.
   *
   * @throws ProtocolError `too-large`, `frame`
   */
  push(chunk: Uint8Array): Uint8Array[] {
    if (this.#failed)
      throw new ProtocolError('frame', 'Cannot read map stream: it has failed before')
    this.#append(chunk)
    const out: Uint8Array[] = []
    let at = 0
    while (this.#buffered - at >= HEADER) {
      const length = new DataView(this.#buffer.buffer, at, HEADER).getUint32(0, true)
      if (length > this.#limit) {
        this.#failed = true
        throw new ProtocolError(
          'too-large',
          `Cannot read map frame of ${length} bytes: limit ${this.#limit}`,
        )
      }
      const end = at + HEADER + length
      if (this.#buffered < end) break
      out.push(this.#open(this.#buffer.slice(at + HEADER, end)))
      at = end
    }
    this.#drop(at)
    return out
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#buffered + chunk.length
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length))
      larger.set(this.#buffer.subarray(0, this.#buffered))
      this.#buffer = larger
    }
    this.#buffer.set(chunk, this.#buffered)
    this.#buffered = needed
  }

  #drop(count: number): void {
    if (count === 0) return
    const rest = this.#buffer.subarray(count, this.#buffered)
    // The room that a large frame took is given back.
    const buffer = new Uint8Array(Math.max(FIRST_ROOM, rest.length))
    buffer.set(rest)
    this.#buffer = buffer
    this.#buffered = rest.length
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
