// SPDX-License-Identifier: Apache-2.0

/**
 * The timestamp of an initiation: TAI64N, 12 bytes, big-endian so that byte order is time order.
 * WireGuard paper, section 5.4.2. The low 24 bits of the nanoseconds are cleared, as the official
 * implementation does, so that a handshake tells little about the sender's clock.
 *
 * @module
 */

/** Length of a timestamp. */
export const TAI64N_SIZE = 12

/** TAI at the Unix epoch: 2^62 and the ten seconds by which TAI was ahead then. */
const TAI64_BASE = 0x4000_0000_0000_000an
const WHITENER = 0xff_ffff

/** Steps of the whitened clock, in nanoseconds. */
const STEP = WHITENER + 1
const NANOSECONDS = 1_000_000_000

/** Returns the timestamp of a moment given as seconds and nanoseconds since the Unix epoch. */
export function tai64n(seconds: number, nanoseconds: number): Uint8Array {
  const stamp = new Uint8Array(TAI64N_SIZE)
  const view = new DataView(stamp.buffer)
  view.setBigUint64(0, TAI64_BASE + BigInt(seconds), false)
  view.setUint32(8, nanoseconds - (nanoseconds % STEP), false)
  return stamp
}

/**
 * Returns a function that gives timestamps for `now` (milliseconds since the Unix epoch), each
 * later than the one before even when the clock stands still or goes back: a peer refuses an
 * initiation that is not newer than the last.
 */
export function createTimestamps(now: () => number): () => Uint8Array {
  let seconds = 0
  let steps = -1
  return () => {
    const time = now()
    const nextSeconds = Math.floor(time / 1000)
    const nextSteps = Math.floor(((time - nextSeconds * 1000) * 1_000_000) / STEP)
    if (nextSeconds > seconds || (nextSeconds === seconds && nextSteps > steps)) {
      seconds = nextSeconds
      steps = nextSteps
    } else {
      steps += 1
      if (steps * STEP >= NANOSECONDS) {
        seconds += 1
        steps = 0
      }
    }
    return tai64n(seconds, steps * STEP)
  }
}
