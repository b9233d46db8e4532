// SPDX-License-Identifier: Apache-2.0

/**
 * Claims: what the story says has to be seen on the nodes, or the demo fails with what was expected
 * and what was there instead.
 *
 * @module
 */

import { setTimeout as pause } from 'node:timers/promises'
import * as screen from './screen.ts'

const patienceMs = 12_000
const lookEveryMs = 20

/** A claim that did not hold. */
export class Surprise extends Error {
  override readonly name = 'Surprise'
  readonly expected: string
  readonly actual: string
  constructor(claim: string, expected: string, actual: string) {
    super(claim)
    this.expected = expected
    this.actual = actual
  }
}

/** What a look at the nodes gave: true, or what is there instead of what was expected. */
export type Look = true | string

let count = 0

/** How many claims have held so far. */
export function claimsHeld(): number {
  return count
}

/** Looks once. @throws Surprise */
export async function claim(
  text: string,
  expected: string,
  look: () => Look | Promise<Look>,
): Promise<void> {
  const seen = await look()
  if (seen !== true) throw new Surprise(text, expected, seen)
  count += 1
  screen.held(text)
}

/** Looks until it is so, or patience ends. For what takes a round trip to come true. @throws Surprise */
export async function claimSoon(
  text: string,
  expected: string,
  look: () => Look | Promise<Look>,
): Promise<void> {
  await soon(text, expected, look)
  count += 1
  screen.held(text)
}

/** Waits for something that is no claim of its own. @throws Surprise */
export async function soon(
  text: string,
  expected: string,
  look: () => Look | Promise<Look>,
): Promise<void> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const seen = await look()
    if (seen === true) return
    if (performance.now() > deadline) throw new Surprise(text, expected, seen)
    await pause(lookEveryMs)
  }
}
