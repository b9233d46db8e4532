// SPDX-License-Identifier: Apache-2.0

/**
 * How often somebody may ask for expensive work.
 *
 * @module
 */

import { ControlError } from '../errors.ts'

/** Counts uses per name. */
export interface RateLimiter {
  /** Counts one use, or one that costs as much as several. @throws ControlError 'rate-limited' */
  use(name: string, cost?: number): void
}

/** Names that are remembered at once; beyond that the oldest are forgotten. */
const MAX_NAMES = 10_000
const MINUTE = 60_000

/** Makes a limiter that refills evenly, with a minute's worth to start with. */
export function createRateLimiter(options: {
  readonly perMinute: number
  readonly now: () => number
}): RateLimiter {
  const { perMinute, now } = options
  const buckets = new Map<string, { tokens: number; at: number }>()
  return {
    use(name, cost = 1) {
      const time = now()
      const bucket = buckets.get(name) ?? { tokens: perMinute, at: time }
      const tokens = Math.min(perMinute, bucket.tokens + ((time - bucket.at) / MINUTE) * perMinute)
      buckets.delete(name)
      if (tokens < cost) {
        buckets.set(name, { tokens, at: time })
        throw new ControlError('rate-limited', 'Too many attempts; wait a little and try again', {
          retryAfterSeconds: Math.ceil(((cost - tokens) / perMinute) * 60),
        })
      }
      buckets.set(name, { tokens: tokens - cost, at: time })
      const oldest = buckets.keys().next().value
      if (buckets.size > MAX_NAMES && oldest !== undefined) buckets.delete(oldest)
    },
  }
}
