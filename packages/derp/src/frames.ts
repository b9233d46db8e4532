// SPDX-License-Identifier: Apache-2.0

/**
 * Frames of the relay protocol: a type, a big-endian length of four bytes, a payload.
 *
 * @module
 */

import { DerpError } from './errors.ts'
import { FRAME_HEADER_LENGTH } from './limits.ts'

/** Types of frames. Others are skipped: they belong to later versions. */
export const FrameType = {
  ServerKey: 0x01,
  ClientInfo: 0x02,
  ServerInfo: 0x03,
  SendPacket: 0x04,
  RecvPacket: 0x05,
  KeepAlive: 0x06,
  NotePreferred: 0x07,
  PeerGone: 0x08,
  PeerPresent: 0x09,
  ForwardPacket: 0x0a,
  WatchConns: 0x10,
  ClosePeer: 0x11,
  Ping: 0x12,
  Pong: 0x13,
  Health: 0x14,
  Restarting: 0x15,
} as const

const EMPTY = new Uint8Array()
/** What is set aside for a frame of which no byte of payload has arrived. */
const FIRST_ALLOCATION = 2048

/** Returns one frame with the parts as its payload. */
export function encodeFrame(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const frame = new Uint8Array(FRAME_HEADER_LENGTH + length)
  frame[0] = type
  new DataView(frame.buffer).setUint32(1, length)
  let at = FRAME_HEADER_LENGTH
  for (const part of parts) {
    frame.set(part, at)
    at += part.length
  }
  return frame
}

/**
 * Judges a frame by its header, before any of its payload is kept: false skips it.
 *
 * @throws DerpError to end the stream
 */
export type FrameRule = (type: number, length: number) => boolean

/** Takes a whole frame: the bytes of `buffer` from `start`, where its header is, to `end`. */
export type FrameSink = (buffer: Uint8Array, start: number, end: number) => void

/**
 * Cuts a stream into frames, in whatever pieces it arrives. A frame that arrives in one piece is
 * delivered where it lies, without a copy. The first error is final.
 */
export class FrameReader {
  readonly #rule: FrameRule
  #failed: unknown
  /** What has arrived of a frame that is not complete, header included. */
  #partial: Uint8Array = EMPTY
  #have = 0
  /** Length of that frame, header included; 0 as long as the header is not complete. */
  #size = 0
  /** Bytes of a skipped frame that are still to come. */
  #skip = 0

  constructor(rule: FrameRule) {
    this.#rule = rule
  }

  /**
   * Takes the next bytes. What came before an error is delivered. Delivered bytes are not touched
   * again: the sink may keep or change them if the caller of `push` lets it.
   *
   * @throws DerpError what the rule or the sink threw; after that, the same again
   */
  push(chunk: Uint8Array, sink: FrameSink): void {
    if (this.#failed !== undefined) throw this.#failed
    try {
      this.#read(chunk, sink)
    } catch (error) {
      this.#failed = error
      this.#partial = EMPTY
      throw error
    }
  }

  /**
   * Says that the stream is over.
   *
   * @throws DerpError `truncated` if it ended inside a frame
   */
  end(): void {
    if (this.#failed !== undefined) throw this.#failed
    if (this.#have > 0 || this.#skip > 0) {
      this.#failed = new DerpError('truncated', 'Cannot read frame: the stream ended inside it')
      throw this.#failed
    }
  }

  #read(chunk: Uint8Array, sink: FrameSink): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at)
        this.#skip -= skipped
        at += skipped
      } else if (this.#have > 0 || chunk.length - at < FRAME_HEADER_LENGTH) {
        at += this.#gather(chunk, at, sink)
      } else {
        const length = readUint32(chunk, at + 1)
        const end = at + FRAME_HEADER_LENGTH + length
        if (!this.#rule(chunk[at] ?? 0, length)) {
          this.#skip = length
          at += FRAME_HEADER_LENGTH
        } else if (end <= chunk.length) {
          sink(chunk, at, end)
          at = end
        } else {
          this.#size = end - at
          at += this.#keep(chunk, at, this.#size)
        }
      }
    }
  }

  /** Goes on with a frame of which a part has arrived; returns how many bytes it took. */
  #gather(chunk: Uint8Array, at: number, sink: FrameSink): number {
    if (this.#size === 0) {
      const taken = this.#keep(chunk, at, FRAME_HEADER_LENGTH)
      if (this.#have < FRAME_HEADER_LENGTH) return taken
      const length = readUint32(this.#partial, 1)
      if (this.#rule(this.#partial[0] ?? 0, length)) {
        this.#size = FRAME_HEADER_LENGTH + length
        if (length === 0) this.#deliver(sink)
      } else {
        this.#skip = length
        this.#forget()
      }
      return taken
    }
    const taken = this.#keep(chunk, at, this.#size)
    if (this.#have === this.#size) this.#deliver(sink)
    return taken
  }

  #deliver(sink: FrameSink): void {
    const [frame, size] = [this.#partial, this.#size]
    this.#forget()
    sink(frame, 0, size)
  }

  #forget(): void {
    this.#partial = EMPTY
    this.#have = 0
    this.#size = 0
  }

  /**
   * Keeps bytes until there are `size`. Memory is set aside for what has arrived and as much again,
   * never for what a header promises.
   */
  #keep(chunk: Uint8Array, from: number, size: number): number {
    const taken = Math.min(size - this.#have, chunk.length - from)
    const needed = this.#have + taken
    if (needed > this.#partial.length) {
      const room = Math.max(needed, Math.min(size, Math.max(FIRST_ALLOCATION, 2 * needed)))
      const grown = new Uint8Array(room)
      grown.set(this.#partial.subarray(0, this.#have))
      this.#partial = grown
    }
    this.#partial.set(chunk.subarray(from, from + taken), this.#have)
    this.#have = needed
    return taken
  }
}

/** Reads four bytes, big-endian. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) * 0x100_0000 +
    (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))
  )
}
