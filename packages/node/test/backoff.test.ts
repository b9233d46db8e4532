// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import test from 'node:test'
import { createBackoff } from '../src/control/backoff.ts'

test('createBackoff() waits n^2 * 10 ms and never much longer than 30 s', () => {
  const backoff = createBackoff(() => 0.5)
  assert.deepEqual(
    [1, 2, 3, 4].map(() => backoff.next()),
    [10, 40, 90, 160],
  )
  for (let i = 0; i < 100; i++) backoff.next()
  assert.equal(backoff.next(), 30_000)
})

test('createBackoff() spreads by half to one and a half', () => {
  const low = createBackoff(() => 0)
  const high = createBackoff(() => 0.999)
  assert.equal(low.next(), 5)
  assert.ok(high.next() > 14.9 && high.next() < 60)
})

test('createBackoff() starts over after a success', () => {
  const backoff = createBackoff(() => 0.5)
  backoff.next()
  backoff.next()
  backoff.reset()
  assert.equal(backoff.next(), 10)
})
