// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ReplayWindow } from '../src/replay.ts'
import * as limits from '../src/limits.ts'

const HIGH = (counter: bigint): number => Number(counter >> 32n)
const LOW = (counter: bigint): number => Number(counter & 0xffff_ffffn)

test('accept() takes what is exactly 8128 behind and refuses 8129', () => {
  for (const newest of [8128n, 8129n, 100_000n, 0xffff_ffffn + 4000n, (1n << 60n) + 5n]) {
    const window = new ReplayWindow()
    assert.ok(window.accept(HIGH(newest), LOW(newest)))
    const edge = newest - BigInt(limits.REPLAY_WINDOW)
    assert.ok(window.accept(HIGH(edge), LOW(edge)), `${newest} edge`)
    if (edge > 0n) assert.ok(!window.accept(HIGH(edge - 1n), LOW(edge - 1n)), `${newest} past edge`)
  }
})

test('accept() refuses every counter from 2^64 - 2^13 - 1 on', () => {
  const window = new ReplayWindow()
  assert.ok(window.accept(0xffff_ffff, 0xffff_dffe))
  assert.ok(!window.accept(0xffff_ffff, 0xffff_dfff))
  assert.ok(!window.accept(0xffff_ffff, 0xffff_ffff))
})

test('accept() agrees with a set of seen counters and a moving lower bound', () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -40, max: 40 }) },
      { weight: 3, arbitrary: fc.integer({ min: -8200, max: 8200 }) },
      { weight: 1, arbitrary: fc.integer({ min: -100_000, max: 100_000 }) },
    ),
    { maxLength: 150 },
  )
  const starts = fc.constantFrom(0n, 5000n, 0xffff_ff00n, 1n << 53n, (1n << 60n) - 77n)
  fc.assert(
    fc.property(starts, steps, (start, moves) => {
      const window = new ReplayWindow()
      const seen = new Set<bigint>()
      let newest = 0n
      let counter = start
      for (const move of moves) {
        counter += BigInt(move)
        if (counter < 0n) counter = 0n
        const inWindow = counter > newest || newest - counter <= BigInt(limits.REPLAY_WINDOW)
        const expected = inWindow && !seen.has(counter)
        assert.equal(window.accept(HIGH(counter), LOW(counter)), expected)
        if (!expected) continue
        seen.add(counter)
        if (counter > newest) newest = counter
      }
    }),
    { numRuns: 200 },
  )
})
