// SPDX-License-Identifier: Apache-2.0

/**
 * A clock that stands still until a test moves it. Whatever is scheduled runs in the order of its
 * moments, with `now()` at that moment, so that minutes of protocol take no time at all.
 *
 * @module
 */

/** Time and timers under a test's control. */
export interface FakeClock {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
  /** Runs a callback once, `delayMs` from now; returns a function that takes it back. */
  readonly schedule: (delayMs: number, callback: () => void) => () => void
  /** Moves time on and runs what comes due, also what is scheduled meanwhile. */
  advance(ms: number): void
  /** Like {@link advance}, but lets promises settle after each callback. */
  advanceAsync(ms: number): Promise<void>
  /** Moves to the next scheduled callback and runs it; returns false when there is none. */
  step(): boolean
  /** How many callbacks wait. */
  waiting(): number
}

interface Entry {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

/** Returns a clock that shows `start`, by default a moment in 2026. */
export function createFakeClock(start: number = Date.UTC(2026, 10, 22)): FakeClock {
  let time = start
  let order = 0
  const entries = new Set<Entry>()

  function takeNext(limit: number): Entry | null {
    let next: Entry | null = null
    for (const entry of entries) {
      if (entry.at > limit) continue
      if (next === null || entry.at < next.at || (entry.at === next.at && entry.order < next.order))
        next = entry
    }
    if (next !== null) {
      entries.delete(next)
      time = Math.max(time, next.at)
    }
    return next
  }

  return {
    now: () => time,
    schedule(delayMs, callback) {
      const entry = { at: time + Math.max(0, delayMs), order: order++, callback }
      entries.add(entry)
      return () => void entries.delete(entry)
    },
    advance(ms) {
      const end = time + ms
      for (let next = takeNext(end); next !== null; next = takeNext(end)) next.callback()
      time = end
    },
    async advanceAsync(ms) {
      const end = time + ms
      await settle()
      for (let next = takeNext(end); next !== null; next = takeNext(end)) {
        next.callback()
        await settle()
      }
      time = end
    },
    step() {
      const next = takeNext(Number.POSITIVE_INFINITY)
      next?.callback()
      return next !== null
    },
    waiting: () => entries.size,
  }
}

/** Lets every promise that can settle do so: a turn of the event loop comes after all of them. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
