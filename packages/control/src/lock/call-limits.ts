// SPDX-License-Identifier: Apache-2.0

/**
 * How often one machine may make each call of the lock. What a call costs is bounded by its limits; how many
 * there are is bounded here, so that nobody can keep the server busy with forged signatures for the others.
 *
 * The numbers are far above what clients do in earnest: each follows a change of the head with one offer and
 * one sending, and `lock remove` signs every node of the key that goes, in one go.
 *
 * @module
 */

import { tkaCalls } from '@signet/protocol'
import {
  LOCK_CALL_BYTES,
  MAX_LOCK_CALLS_PER_MINUTE,
  MAX_NEW_UPDATE_CALLS_PER_MINUTE,
  NEW_UPDATES_PER_CALL,
} from '../limits.ts'
import { createRateLimiter } from './rate-limiter.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** The allowances of all machines. */
export interface CallLimits {
  /** Counts one call with a body of `bytes`; large ones count more. @throws ControlError 'rate-limited' */
  call(path: string, machineKey: string, bytes: number): void
  /**
   * Counts one sending of `count` updates that the server does not have: their signatures are checked.
   *
   * @throws ControlError 'rate-limited'
   */
  newUpdates(machineKey: string, count: number): void
}

/** Makes full allowances. */
export function createCallLimits(now: () => number): CallLimits {
  const limiters = new Map<string, RateLimiter>(
    Object.entries(MAX_LOCK_CALLS_PER_MINUTE).map(([name, perMinute]) => [
      tkaCalls[name as keyof typeof MAX_LOCK_CALLS_PER_MINUTE].path,
      createRateLimiter({ perMinute, now }),
    ]),
  )
  const updates = createRateLimiter({ perMinute: MAX_NEW_UPDATE_CALLS_PER_MINUTE, now })
  return {
    call: (path, machineKey, bytes) =>
      limiters.get(path)?.use(machineKey, Math.max(1, Math.ceil(bytes / LOCK_CALL_BYTES))),
    newUpdates: (machineKey, count) =>
      updates.use(machineKey, Math.max(1, Math.ceil(count / NEW_UPDATES_PER_CALL))),
  }
}
