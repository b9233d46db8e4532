// SPDX-License-Identifier: Apache-2.0

/**
 * When a device is under load, and how much each source may ask of it then. WireGuard paper,
 * section 5.3; the thresholds are ours.
 *
 * @module
 */

import {
  MAX_LIMITED_SOURCES,
  SOURCE_BURST,
  SOURCE_RATE_PER_SECOND,
  UNDER_LOAD_HANDSHAKES_PER_SECOND,
  UNDER_LOAD_MS,
} from './limits.ts'

const SECOND = 1_000

/** Counts handshake messages per second and tells when there are too many. */
export class LoadGauge {
  readonly #perSecond: number
  #windowStart = Number.NEGATIVE_INFINITY
  #count = 0
  #until = Number.NEGATIVE_INFINITY

  constructor(perSecond: number = UNDER_LOAD_HANDSHAKES_PER_SECOND) {
    this.#perSecond = perSecond
  }

  /** Counts one handshake message and returns whether the device is under load. */
  count(now: number): boolean {
    if (now - this.#windowStart >= SECOND) {
      this.#windowStart = now
      this.#count = 0
    }
    this.#count += 1
    if (this.#count > this.#perSecond) this.#until = now + UNDER_LOAD_MS
    return this.isUnderLoad(now)
  }

  /** Whether the device is under load, or was a moment ago. */
  isUnderLoad(now: number): boolean {
    return now < this.#until
  }
}

interface Bucket {
  tokens: number
  filledAt: number
}

/** Token buckets per source address: 20 handshakes a second, 5 at once. */
export class SourceLimiter {
  readonly #buckets = new Map<string, Bucket>()

  /** Returns whether one more handshake from this source is allowed, and counts it. */
  allow(source: string, now: number): boolean {
    const bucket = this.#buckets.get(source)
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_LIMITED_SOURCES) this.#forgetFull(now)
      if (this.#buckets.size >= MAX_LIMITED_SOURCES) return false
      this.#buckets.set(source, { tokens: SOURCE_BURST - 1, filledAt: now })
      return true
    }
    const filled = bucket.tokens + ((now - bucket.filledAt) * SOURCE_RATE_PER_SECOND) / SECOND
    bucket.tokens = Math.min(SOURCE_BURST, filled)
    bucket.filledAt = now
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }

  /** A bucket that would be full by now says no more than no bucket at all. */
  #forgetFull(now: number): void {
    for (const [source, bucket] of this.#buckets) {
      const missing = SOURCE_BURST - bucket.tokens
      if (((now - bucket.filledAt) * SOURCE_RATE_PER_SECOND) / SECOND >= missing) {
        this.#buckets.delete(source)
      }
    }
  }
}

/** Returns the address of an endpoint without its port: what the limiter counts by. */
export function sourceAddress(endpoint: string): string {
  const colon = endpoint.lastIndexOf(':')
  return colon < 0 ? endpoint : endpoint.slice(0, colon)
}
