// SPDX-License-Identifier: Apache-2.0

/**
 * The window against replayed packets. WireGuard paper, section 5.4.6; RFC 6479.
 *
 * ```
 *            newest - 8128                      newest
 *   refused        |<------- one bit each ------->|      moves the window
 * ```
 *
 * A ring of 8192 bits; counters are pairs of 32-bit words, and the ring position is the low word
 * modulo the ring. Only distances are computed, and a distance too large to be exact in a double
 * is far outside of the window anyway.
 *
 * @module
 */

import { REJECT_AFTER_MESSAGES_HIGH, REJECT_AFTER_MESSAGES_LOW, REPLAY_WINDOW } from './limits.ts'

const RING_WORDS = 256
const WORD_BITS = 32

/** Tells whether a counter is past the last one that a key pair may use. */
export function isCounterExhausted(high: number, low: number): boolean {
  return high === REJECT_AFTER_MESSAGES_HIGH && low >= REJECT_AFTER_MESSAGES_LOW
}

/** Which counters of one key pair were seen already. */
export class ReplayWindow {
  readonly #ring = new Uint32Array(RING_WORDS)
  #high = 0
  #low = 0

  /**
   * Returns whether the counter is new, and marks it as seen. Call it only after the packet was
   * authenticated: a forged counter must not move the window.
   */
  accept(high: number, low: number): boolean {
    if (isCounterExhausted(high, low)) return false
    const ahead = (high - this.#high) * 0x1_0000_0000 + (low - this.#low)
    if (ahead > 0) this.#advance(high, low, ahead)
    else if (-ahead > REPLAY_WINDOW) return false
    const word = (low >>> 5) % RING_WORDS
    const bit = 1 << (low % WORD_BITS)
    const before = this.#ring[word] ?? 0
    if ((before & bit) !== 0) return false
    this.#ring[word] = before | bit
    return true
  }

  /** Forgets the words between the old newest counter and the new one. */
  #advance(high: number, low: number, ahead: number): void {
    const words = Math.floor(((this.#low % WORD_BITS) + ahead) / WORD_BITS)
    if (words >= RING_WORDS) this.#ring.fill(0)
    else {
      const start = this.#low >>> 5
      for (let i = 1; i <= words; i++) this.#ring[(start + i) % RING_WORDS] = 0
    }
    this.#high = high
    this.#low = low
  }
}
