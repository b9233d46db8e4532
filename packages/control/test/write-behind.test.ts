// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFakeClock } from '@signet/testkit'
import { ControlError } from '../src/errors.ts'
import type { Store, Write } from '../src/store/store.ts'
import { createWriteBehind } from '../src/tailnet/write-behind.ts'
import { sampleNode } from './support/store-contract.ts'

function setUp() {
  const clock = createFakeClock()
  const rows = new Map([1, 2, 3].map((id) => [id, sampleNode(id)]))
  const commits: (readonly Write[])[] = []
  let failures = 0
  const store = {
    commit(writes: readonly Write[]) {
      if (failures-- > 0) throw new ControlError('store-failed', 'no')
      commits.push(writes)
    },
    // Nothing else of the store is used.
  } as Store
  const behind = createWriteBehind({ store, clock, rowOf: (id) => rows.get(id) })
  return { clock, rows, commits, behind, fail: (times: number) => void (failures = times) }
}

describe('createWriteBehind()', () => {
  it('stores what was marked meanwhile in one transaction, as it is then', async () => {
    const { clock, rows, commits, behind } = setUp()
    const first = behind.mark(1)
    const second = behind.mark(2)
    void behind.mark(1)
    const latest = { ...sampleNode(1), hostname: 'latest' }
    rows.set(1, latest)
    assert.equal(commits.length, 0)
    clock.advance(1_000)
    await Promise.all([first, second])
    assert.deepEqual(commits, [
      [
        { put: 'node', row: latest },
        { put: 'node', row: rows.get(2) },
      ],
    ])
    clock.advance(10_000)
    assert.equal(commits.length, 1)
  })

  it('does not bring back a node that is gone', async () => {
    const { clock, rows, commits, behind } = setUp()
    const promise = behind.mark(1)
    rows.delete(1)
    clock.advance(1_000)
    await promise
    assert.deepEqual(commits, [[]])
  })

  it('tells who waits that it failed, and tries again', async () => {
    const { clock, commits, behind, fail } = setUp()
    fail(1)
    const promise = behind.mark(1)
    const rejected = assert.rejects(promise, { code: 'store-failed' })
    clock.advance(500)
    await rejected
    assert.equal(commits.length, 0)
    clock.advance(2_000)
    assert.equal(commits.length, 1)
  })

  it('stores at once when asked', async () => {
    const { commits, behind } = setUp()
    const promise = behind.mark(3)
    behind.flush()
    await promise
    assert.equal(commits.length, 1)
    behind.flush()
    assert.equal(commits.length, 1)
  })
})
