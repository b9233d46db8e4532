// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { compareBytes, concatBytes, equalBytes, equalBytesConstantTime } from '../src/index.ts'

const data = fc.uint8Array({ maxLength: 12 })

test('concatBytes() joins in order, into memory of its own', () => {
  const a = Uint8Array.of(1, 2)
  const joined = concatBytes(a, new Uint8Array(0), Uint8Array.of(3))
  assert.deepEqual(joined, Uint8Array.of(1, 2, 3))
  joined[0] = 9
  assert.equal(a[0], 1)
  assert.deepEqual(concatBytes(), new Uint8Array(0))
})

test('equalBytes() and equalBytesConstantTime() agree with comparison by text', () => {
  fc.assert(
    fc.property(data, data, (a, b) => {
      const isEqual = a.join() === b.join()
      for (const equal of [equalBytes, equalBytesConstantTime]) {
        assert.equal(equal(a, b), isEqual)
        assert.ok(equal(a, new Uint8Array(a)))
      }
    }),
  )
})

test('equalBytes() and equalBytesConstantTime() look at every byte and the length', () => {
  const a = Uint8Array.of(1, 2, 3)
  for (const equal of [equalBytes, equalBytesConstantTime]) {
    for (const index of [0, 1, 2]) assert.equal(equal(a, a.with(index, 7)), false)
    assert.equal(equal(a, a.subarray(0, 2)), false)
    assert.equal(equal(a.subarray(0, 2), a), false)
  }
})

test('compareBytes() orders as Buffer.compare does', () => {
  fc.assert(
    fc.property(data, data, (a, b) => {
      assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(a, b))
    }),
  )
})
