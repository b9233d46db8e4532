// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as limits from '../src/limits.ts'
import { LoadGauge, SourceLimiter, sourceAddress } from '../src/load.ts'

test('LoadGauge is under load from the first message above the bound, for one second after', () => {
  const gauge = new LoadGauge(3)
  assert.deepEqual(
    [0, 1, 2].map((now) => gauge.count(now)),
    [false, false, false],
  )
  assert.equal(gauge.count(3), true)
  assert.equal(gauge.isUnderLoad(1002), true)
  assert.equal(gauge.isUnderLoad(1003), false)
  assert.equal(gauge.count(1003), false)
})

test('LoadGauge counts whole seconds anew', () => {
  const gauge = new LoadGauge(2)
  for (let now = 0; now < 10_000; now += 500) assert.equal(gauge.count(now), false)
})

test('SourceLimiter gives 5 at once and then 20 a second, per source', () => {
  const limiter = new SourceLimiter()
  const burst = Array.from({ length: 7 }, () => limiter.allow('a', 0))
  assert.deepEqual(burst, [true, true, true, true, true, false, false])
  assert.equal(limiter.allow('b', 0), true)
  assert.equal(limiter.allow('a', 49), false)
  assert.equal(limiter.allow('a', 50), true)
  assert.equal(limiter.allow('a', 50), false)
  let allowed = 0
  for (let now = 51; now < 2051; now++) if (limiter.allow('a', now)) allowed += 1
  assert.equal(allowed, 40)
})

test('SourceLimiter remembers a bounded number of sources, and forgets those that rested', () => {
  const limiter = new SourceLimiter()
  for (let i = 0; i < limits.MAX_LIMITED_SOURCES; i++) assert.ok(limiter.allow(`s${i}`, 0))
  assert.equal(limiter.allow('one more', 0), false)
  assert.equal(limiter.allow('s0', 0), true)
  assert.equal(limiter.allow('one more', 100), true)
})

test('sourceAddress() drops the port', () => {
  assert.equal(sourceAddress('192.0.2.1:41641'), '192.0.2.1')
  assert.equal(sourceAddress('[2001:db8::1]:41641'), '[2001:db8::1]')
  assert.equal(sourceAddress('opaque'), 'opaque')
})
