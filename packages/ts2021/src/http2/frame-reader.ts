// SPDX-License-Identifier: Apache-2.0

/**
 * Frames out of bytes that come in any pieces.
 *
 * @module
 */

import { Http2Code, Http2Error } from './errors.ts'
import { type Frame, FRAME_HEADER, MAX_FRAME_PAYLOAD, PREFACE, readUint32 } from './frames.ts'

const EMPTY = new Uint8Array()
const FIRST_ROOM = 256

/** Reads the preface, then frames. Holds no more than one frame, and no more room than twice what came. */
export class FrameReader {
  #awaitsPreface = true
  /** The beginning of a frame, and how much of it there is. */
  #held: Uint8Array = EMPTY
  #size = 0

  /** Whether the preface has come. */
  get started(): boolean {
    return !this.#awaitsPreface
  }

  /**
   * Takes the next bytes and hands out each frame that is now complete.
   *
   * @throws Http2Error
   */
  push(chunk: Uint8Array, onFrame: (frame: Frame) => void): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#size === 0) {
        const size = this.#frameSize(chunk, at, chunk.length)
        if (size > 0 && at + size <= chunk.length) {
          this.#handOut(chunk.subarray(at, at + size), onFrame)
          at += size
          continue
        }
      }
      at = this.#hold(chunk, at, onFrame)
    }
  }

  /** Keeps bytes until there is a whole frame; returns up to where they were taken. */
  #hold(chunk: Uint8Array, from: number, onFrame: (frame: Frame) => void): number {
    let at = from
    const header = this.#awaitsPreface ? PREFACE.length : FRAME_HEADER
    if (this.#size < header) {
      at += this.#append(chunk.subarray(at, at + header - this.#size))
      if (this.#size < header) return at
    }
    const size = this.#frameSize(this.#held, 0, this.#size)
    at += this.#append(chunk.subarray(at, at + size - this.#size))
    if (this.#size < size) return at
    const whole = this.#held.subarray(0, size)
    this.#held = EMPTY
    this.#size = 0
    this.#handOut(whole, onFrame)
    return at
  }

  #append(bytes: Uint8Array): number {
    const end = this.#size + bytes.length
    if (end > this.#held.length) {
      const larger = new Uint8Array(Math.max(FIRST_ROOM, 2 * end))
      larger.set(this.#held.subarray(0, this.#size))
      this.#held = larger
    }
    this.#held.set(bytes, this.#size)
    this.#size = end
    return bytes.length
  }

  /** Size of the frame that starts here, header included; zero when its header is not whole. */
  #frameSize(bytes: Uint8Array, at: number, end: number): number {
    if (this.#awaitsPreface) return PREFACE.length
    if (end - at < FRAME_HEADER) return 0
    const length = readUint32(bytes, at) >>> 8
    if (length > MAX_FRAME_PAYLOAD) {
      throw new Http2Error(Http2Code.FrameSize, `Refused frame: ${length} bytes`)
    }
    return FRAME_HEADER + length
  }

  #handOut(bytes: Uint8Array, onFrame: (frame: Frame) => void): void {
    if (this.#awaitsPreface) {
      if (Buffer.compare(bytes, PREFACE) !== 0) {
        throw new Http2Error(Http2Code.Protocol, 'Refused connection: no HTTP/2')
      }
      this.#awaitsPreface = false
      return
    }
    onFrame({
      type: bytes[3] ?? 0,
      flags: bytes[4] ?? 0,
      stream: readUint32(bytes, 5) & 0x7fff_ffff,
      payload: bytes.subarray(FRAME_HEADER),
    })
  }
}
