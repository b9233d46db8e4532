// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { constantTimeEqual } from '../src/index.ts'
import { bytes, flipBit } from './bytes.ts'

test('constantTimeEqual() is true for equal bytes only', () => {
  const secret = bytes('00112233')
  assert.ok(constantTimeEqual(secret, bytes('00112233')))
  assert.ok(constantTimeEqual(new Uint8Array(0), new Uint8Array(0)))
  for (const index of [0, 1, 2, 3]) {
    assert.equal(constantTimeEqual(secret, flipBit(secret, index)), false)
  }
  assert.equal(constantTimeEqual(secret, secret.subarray(0, 3)), false)
  assert.equal(constantTimeEqual(secret.subarray(0, 3), secret), false)
})
