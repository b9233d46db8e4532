// SPDX-License-Identifier: Apache-2.0

/**
 * Frames that are the same for every session at the same version: encoded and compressed once, and forgotten
 * with the next change.
 *
 * @module
 */

import type { Tailnet } from '../tailnet/tailnet.ts'
import { composeDelta, deltaSince } from './delta.ts'
import type { Delta } from './delta.ts'
import { encodeFrame } from './frame-encoder.ts'
import type { Compression, FrameCounters } from './frame-encoder.ts'

/** The changes up to now, and their frames. */
export class SharedFrames {
  readonly #tailnet: Tailnet
  readonly #counters: FrameCounters
  readonly #deltas = new Map<number, Delta | null>()
  readonly #frames = new Map<string, Buffer | null>()
  #version = -1

  constructor(tailnet: Tailnet, counters: FrameCounters) {
    this.#tailnet = tailnet
    this.#counters = counters
  }

  /** The changes since `from`; null when they are no longer known. */
  deltaSince(from: number): Delta | null {
    if (this.#version !== this.#tailnet.version) {
      this.#version = this.#tailnet.version
      this.#deltas.clear()
      this.#frames.clear()
    }
    let delta = this.#deltas.get(from)
    if (delta === undefined) {
      delta = deltaSince(this.#tailnet, from)
      this.#deltas.set(from, delta)
    }
    return delta
  }

  /** The frame of a delta that was got from {@link deltaSince}; null when it says nothing. */
  frame(delta: Delta, from: number, compression: Compression, lock: string | null): Buffer | null {
    const key = `${from} ${compression} ${lock ?? ''}`
    let frame = this.#frames.get(key)
    if (frame === undefined) {
      const json = composeDelta(delta, { viewer: 0, self: null, lock })
      frame = json === null ? null : encodeFrame(json, compression, this.#counters)
      this.#frames.set(key, frame)
    }
    return frame
  }
}
