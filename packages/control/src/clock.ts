// SPDX-License-Identifier: Apache-2.0

/**
 * Time, passed in: what the hour is, and being called later. Tests bring their own.
 *
 * @module
 */

/** The time, and timers. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Calls back once after the delay, unless the returned function is called before. */
  readonly schedule: (delayMs: number, callback: () => void) => () => void
}

/** The clock of the machine. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
