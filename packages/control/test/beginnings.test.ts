// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseAumHash } from '@signet/tka'
import { createBeginnings, MAX_BEGINNINGS } from '../src/lock/beginnings.ts'

describe('createBeginnings()', () => {
  it('forgets who asked longest ago when there are too many', () => {
    const genesis = parseAumHash('A'.repeat(52))
    const beginnings = createBeginnings(() => 1)
    for (let id = 1; id <= MAX_BEGINNINGS; id++) beginnings.asked(id, genesis)
    beginnings.asked(1, genesis)
    assert.equal(beginnings.of(1, genesis)?.count, 2)
    beginnings.asked(MAX_BEGINNINGS + 1, genesis)
    assert.equal(beginnings.of(2, genesis), null)
    assert.equal(beginnings.of(1, genesis)?.count, 2)
    assert.equal(beginnings.of(3, genesis)?.count, 1)
  })
})
