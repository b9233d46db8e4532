// SPDX-License-Identifier: Apache-2.0

/**
 * Patience with frames that cost the one who answers more than the one who sends: resets, pings, settings,
 * empty frames. Everybody sends some; nobody needs many.
 *
 * @module
 */

import { MAX_NUISANCE, NUISANCE_PER_SECOND } from '../limits.ts'

/** A bucket of patience for one connection. */
export class Budget {
  readonly #now: () => number
  #left = MAX_NUISANCE
  #at: number

  /** `now` gives milliseconds. */
  constructor(now: () => number) {
    this.#now = now
    this.#at = now()
  }

  /** Takes from the bucket; false when it is empty. */
  take(): boolean {
    const now = this.#now()
    const earned = ((now - this.#at) * NUISANCE_PER_SECOND) / 1000
    this.#at = now
    this.#left = Math.min(MAX_NUISANCE, this.#left + earned)
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
