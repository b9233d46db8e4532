// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareBytes } from '@signet/codec'
import * as fc from 'fast-check'
import { createTimestamps, tai64n } from '../src/tai64n.ts'

test('tai64n() clears the low 24 bits of the nanoseconds', () => {
  assert.deepEqual(tai64n(5, 0xff_ffff), tai64n(5, 0))
  assert.notDeepEqual(tai64n(5, 0x100_0000), tai64n(5, 0))
})

test('createTimestamps() rises strictly, whatever the clock does', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -3000, max: 3000 }), { maxLength: 300 }), (moves) => {
      let time = Date.UTC(2026, 0, 1)
      const next = createTimestamps(() => time)
      let last = next()
      for (const move of moves) {
        time += move
        const stamp = next()
        assert.ok(compareBytes(stamp, last) > 0)
        last = stamp
      }
    }),
    { numRuns: 50 },
  )
})

test('createTimestamps() is the clock when the clock moves', () => {
  let time = 1_700_000_000_999
  const next = createTimestamps(() => time)
  assert.deepEqual(next(), tai64n(1_700_000_000, 999_000_000))
  time = 1_700_000_001_500
  assert.deepEqual(next(), tai64n(1_700_000_001, 500_000_000))
})

test('createTimestamps() carries into the next second', () => {
  const next = createTimestamps(() => 1_700_000_000_999)
  const stamps = Array.from({ length: 3 }, next)
  assert.deepEqual(stamps[2], tai64n(1_700_000_001, 0x100_0000))
})
