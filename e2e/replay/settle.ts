// SPDX-License-Identifier: Apache-2.0

/**
 * Letting a server come to rest: its time stands still unless it is moved, its sockets are real.
 *
 * @module
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { FakeClock } from '@signet/testkit'
import type { Step } from './transcript.ts'

const STEP_MS = 100
const MAX_STEPS = 60
/** How long what is on its way may take, in real time. */
const PATIENCE_MS = 2_000
/** How long an answer may take, in real time. */
const ANSWER_MS = 5_000

/** Lets what is on its way arrive. */
export async function turn(clock: FakeClock): Promise<void> {
  for (let round = 0; round < 4; round++) await clock.advanceAsync(0)
}

/**
 * Moves time on until the condition holds. Then waits in real time, which a busy machine may need; gives up
 * after a while.
 */
export async function settled(clock: FakeClock, isDone: () => boolean): Promise<void> {
  for (let step = 0; step < MAX_STEPS && !isDone(); step++) {
    await clock.advanceAsync(STEP_MS)
    await sleep(2)
  }
  const deadline = Date.now() + PATIENCE_MS
  while (!isDone() && Date.now() < deadline) {
    await clock.advanceAsync(1)
    await sleep(10)
  }
}

/** Waits for an answer while time goes on. */
export async function within<T>(clock: FakeClock, answer: Promise<T>, step: Step): Promise<T> {
  const state = { isThere: false }
  const note = (): void => void (state.isThere = true)
  answer.then(note, note)
  const deadline = Date.now() + ANSWER_MS
  await turn(clock)
  while (!state.isThere) {
    if (Date.now() > deadline) {
      throw new Error(`No answer: ${step.scenario} step ${step.number} ${step.path}`)
    }
    await clock.advanceAsync(1)
    await sleep(1)
  }
  return answer
}
