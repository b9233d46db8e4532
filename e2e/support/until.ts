// SPDX-License-Identifier: Apache-2.0

/**
 * Waiting for what real processes and sockets do in their own time.
 *
 * @module
 */

import { setTimeout as pause } from 'node:timers/promises'

const DEADLINE_MS = 15_000
const LOOK_EVERY_MS = 4

/** How long to wait, and how often to look. */
export interface Patience {
  /** 15 s unless told otherwise. */
  readonly deadlineMs?: number
  /** 4 ms unless told otherwise; a look that costs a process or a request should be rarer. */
  readonly everyMs?: number
  /** Said when the time is over: what was seen instead. */
  readonly seen?: () => string
}

/** Resolves with the first value of `look` that is neither false nor undefined; fails loudly when the time is over. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  patience: Patience = {},
): Promise<Exclude<T, false | undefined>> {
  const { deadlineMs = DEADLINE_MS, everyMs = LOOK_EVERY_MS, seen } = patience
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const value = await look()
    if (value !== false && value !== undefined) return value as Exclude<T, false | undefined>
    if (performance.now() > deadline) {
      const instead = seen === undefined ? '' : `; seen: ${seen()}`
      throw new Error(`Waited ${deadlineMs} ms for: ${what}${instead}`)
    }
    await pause(everyMs)
  }
}
