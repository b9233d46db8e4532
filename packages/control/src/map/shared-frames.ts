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

/** What a frame says, and how. */
interface FrameOf {
  readonly delta: Delta
  readonly compression: Compression
  readonly lock: string | null
}

/** The changes up to now, and their frames. */
export class SharedFrames {
  readonly #tailnet: Tailnet
  readonly #counters: FrameCounters
  readonly #deltas = new Map<number, Delta | null>()
  readonly #frames = new Map<string, Buffer | null>()
  #version = -1
  /** The one that was asked for last: nearly everybody stands at the same version. */
  #last: { readonly of: FrameOf; readonly frame: Buffer | null } | undefined

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
      this.#last = undefined
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
    const last = this.#last
    if (
      last !== undefined &&
      last.of.delta === delta &&
      last.of.compression === compression &&
      last.of.lock === lock
    ) {
      return last.frame
    }
    const key = `${from} ${compression} ${lock ?? ''}`
    let frame = this.#frames.get(key)
    if (frame === undefined) {
      const json = composeDelta(delta, { viewer: 0, self: null, lock })
      frame = json === null ? null : encodeFrame(json, compression, this.#counters)
      this.#frames.set(key, frame)
    }
    this.#last = { of: { delta, compression, lock }, frame }
    return frame
  }
}
