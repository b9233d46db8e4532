// SPDX-License-Identifier: Apache-2.0

/**
 * Checking disablement secrets without becoming a machine for guessing them: one check costs 16 MiB
 * and most of a second of a core, and the server can ask for one with every message.
 *
 * A secret that failed against a state is not computed again, and after a few failures the next
 * check has to wait; waiting is an answer (`lock-rate-limited`), never a queue.
 *
 * @module
 */

import { sha256 } from '@signet/crypto'
import { toHex } from '@signet/codec'
import { NodeError } from '../errors.ts'

/** Checks that may follow each other without a pause. */
const burst = 3
/** Then one more after this long. */
const refillMs = 20_000
/** Failed secrets that are remembered. */
const maxRemembered = 256

/** Decides about secrets, at a bounded cost. */
export type SecretGuard = {
  /**
   * Returns whether `secret` matches by `check`, which is called at most once per secret and
   * `state` (a text that names the values it is checked against).
   *
   * @throws NodeError lock-rate-limited
   */
  matches(
    state: string,
    secret: Uint8Array,
    check: (secret: Uint8Array) => Promise<boolean>,
  ): Promise<boolean>
}

/** Creates a guard with its own budget. */
export function createSecretGuard(now: () => number): SecretGuard {
  const failed = new Set<string>()
  let tokens = burst
  let filledAt = now()
  let busy = false

  const take = (): boolean => {
    const gained = Math.floor((now() - filledAt) / refillMs)
    if (gained > 0) {
      tokens = Math.min(burst, tokens + gained)
      filledAt += gained * refillMs
    }
    if (tokens === 0) return false
    tokens--
    return true
  }

  return {
    async matches(state, secret, check) {
      const id = `${state} ${toHex(sha256(secret))}`
      if (failed.has(id)) return false
      if (busy || !take()) {
        throw new NodeError('lock-rate-limited', 'Too many disablement secrets tried, try later')
      }
      busy = true
      try {
        if (await check(secret)) return true
      } finally {
        busy = false
      }
      if (failed.size >= maxRemembered) failed.clear()
      failed.add(id)
      return false
    },
  }
}
