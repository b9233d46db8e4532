// SPDX-License-Identifier: Apache-2.0

/**
 * Waiting for what real processes and sockets do in their own time.
 *
 * @module
 */

import { setTimeout as pause } from 'node:timers/promises'

const DEADLINE_MS = 15_000
const LOOK_EVERY_MS = 4

/** Resolves with the first value of `look` that is neither false nor undefined; fails loudly after 15 s. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
): Promise<Exclude<T, false | undefined>> {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const seen = await look()
    if (seen !== false && seen !== undefined) return seen as Exclude<T, false | undefined>
    if (performance.now() > deadline) throw new Error(`Waited ${DEADLINE_MS} ms for: ${what}`)
    await pause(LOOK_EVERY_MS)
  }
}
