// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { systemClock } from '../src/clock.ts'

const DAY = 24 * 60 * 60_000

describe('systemClock', () => {
  it('waits longer than a timer of the machine can, and can be called off on the way', () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      let rang = 0
      systemClock.schedule(30 * DAY, () => rang++)
      const cancel = systemClock.schedule(60 * DAY, () => rang++)
      mock.timers.tick(DAY)
      assert.equal(rang, 0)
      // In steps: what a callback starts during a long one would begin at its end.
      mock.timers.tick(2 ** 31 - 1 - DAY)
      mock.timers.tick(30 * DAY - (2 ** 31 - 1) - 1)
      assert.equal(rang, 0)
      mock.timers.tick(1)
      assert.equal(rang, 1)
      cancel()
      for (let days = 0; days < 40; days++) mock.timers.tick(DAY)
      assert.equal(rang, 1)
    } finally {
      mock.timers.reset()
    }
  })
})
