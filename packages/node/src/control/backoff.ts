// SPDX-License-Identifier: Apache-2.0

/**
 * How long to wait before trying again: n^2 * 10 ms, at most 30 s, times a random 0.5 to 1.5, so
 * that a thousand nodes do not return to a restarted server in the same instant.
 *
 * @module
 */

const STEP_MS = 10
const LONGEST_MS = 30_000

/** Counts failures in a row. */
export type Backoff = {
  /** Records one more failure and returns how long to wait. */
  next(): number
  /** Forgets the failures: something worked. */
  reset(): void
}

/** Creates a counter; `random` returns a number in [0, 1), `stepMs` is the first wait. */
export function createBackoff(random: () => number, stepMs: number = STEP_MS): Backoff {
  let failures = 0
  return {
    next() {
      failures++
      return Math.min(failures * failures * stepMs, LONGEST_MS) * (0.5 + random())
    },
    reset() {
      failures = 0
    },
  }
}
