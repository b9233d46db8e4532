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

/** The longest that a timer of the machine can wait: with a longer one it would ring at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The clock of the machine. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, callback) {
    let timer: NodeJS.Timeout
    const wait = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, LONGEST_TIMER_MS)
      timer = setTimeout(() => (stepMs < leftMs ? wait(leftMs - stepMs) : callback()), stepMs)
      timer.unref()
    }
    wait(delayMs)
    return () => clearTimeout(timer)
  },
}
