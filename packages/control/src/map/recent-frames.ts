// SPDX-License-Identifier: Apache-2.0

/**
 * Frames by what they say: when the same goes to many sessions one after the other, it is encoded once.
 *
 * @module
 */

import { encodeFrame } from './frame-encoder.ts'
import type { Compression, FrameCounters } from './frame-encoder.ts'

/** Different messages that are remembered; a policy has few kinds of nodes. */
const MAX_FRAMES = 16

/** The last few frames. */
export class RecentFrames {
  readonly #counters: FrameCounters
  readonly #frames = new Map<string, Buffer>()

  constructor(counters: FrameCounters) {
    this.#counters = counters
  }

  /** The frame of a message. */
  of(json: string, compression: Compression): Buffer {
    const key = `${compression} ${json}`
    const known = this.#frames.get(key)
    if (known !== undefined) return known
    const [oldest] = this.#frames.keys()
    if (this.#frames.size >= MAX_FRAMES && oldest !== undefined) this.#frames.delete(oldest)
    const frame = encodeFrame(json, compression, this.#counters)
    this.#frames.set(key, frame)
    return frame
  }
}
