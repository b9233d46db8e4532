// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drawChain, type DrawnChain, type DrawnUpdate } from '@signet/testkit/chain'
import { ActiveChain, AumKind, type ChainStep } from '../src/index.ts'
import { refusal } from './support/refuses.ts'

function steps(net: DrawnChain, ...names: string[]): ChainStep[] {
  return net.aums(...names).map((aum) => ({
    hash: net.hash(net.names([aum])[0] ?? ''),
    isCheckpoint: aum.kind === AumKind.Checkpoint,
  }))
}

function chainOf(net: DrawnChain, first: string, ...others: string[]): ActiveChain {
  const [oldest] = steps(net, first)
  assert.ok(oldest)
  return ActiveChain.of(oldest, net.state(first)).extend(
    others.length > 0 ? steps(net, ...others) : [],
  )
}

function namesOf(net: DrawnChain, chain: ActiveChain): string[] {
  return net.names(Array.from({ length: chain.length }, (_, height) => chain.at(height)))
}

describe('ActiveChain', () => {
  const net = drawChain(
    `
      G -> a -> b -> c -> d
           a -> x -> y
    `,
    { updates: { a: { adds: 'bob' }, b: { checkpoint: true }, x: { adds: 'carol' } } },
  )
  const chain = chainOf(net, 'G', 'a', 'b', 'c')

  test('finds updates by height, and heights by update', () => {
    assert.equal(chain.length, 4)
    assert.equal(chain.oldest, net.hash('G'))
    assert.equal(chain.head, net.hash('c'))
    assert.deepEqual(namesOf(net, chain), ['G', 'a', 'b', 'c'])
    assert.equal(chain.heightOf(net.hash('b')), 2)
    assert.equal(chain.heightOf(net.hash('x')), undefined)
    for (const height of [-1, 4, 1.5]) assert.throws(() => chain.at(height), refusal('bad-option'))
  })

  test('finds the checkpoint at or below a height', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 99].map((height) => chain.checkpointAtOrBelow(height)),
      [0, 0, 2, 2, 2],
    )
  })

  test('extending one chain does not change another', () => {
    const longer = chain.extend(steps(net, 'd'))
    assert.equal(chain.length, 4)
    assert.equal(chain.heightOf(net.hash('d')), undefined)
    assert.throws(() => chain.at(4), refusal('bad-option'))
    assert.deepEqual(namesOf(net, longer), ['G', 'a', 'b', 'c', 'd'])
  })

  test('branching off copies what both have in common', () => {
    const branch = chain.keepOldest(2).extend(steps(net, 'x', 'y'))
    assert.deepEqual(namesOf(net, branch), ['G', 'a', 'x', 'y'])
    assert.deepEqual(namesOf(net, chain), ['G', 'a', 'b', 'c'])
    assert.equal(branch.heightOf(net.hash('b')), undefined)
    assert.equal(branch.checkpointAtOrBelow(3), 0)
    assert.equal(chain.checkpointAtOrBelow(3), 2)
  })

  test('the same chain can be extended twice, differently', () => {
    const base = chainOf(net, 'G', 'a')
    const one = base.extend(steps(net, 'b'))
    const other = base.extend(steps(net, 'x'))
    assert.deepEqual(namesOf(net, one), ['G', 'a', 'b'])
    assert.deepEqual(namesOf(net, other), ['G', 'a', 'x'])
  })

  test('stateAt() is the state of that update, in whatever order it is asked', () => {
    const store = net.store()
    const branch = chain.keepOldest(2).extend(steps(net, 'x', 'y'))
    for (const height of [3, 0, 2, 1, 3, 1]) {
      assert.deepEqual(chain.stateAt(height, store), net.state(['G', 'a', 'b', 'c'][height] ?? ''))
      assert.deepEqual(branch.stateAt(height, store), net.state(['G', 'a', 'x', 'y'][height] ?? ''))
    }
  })

  test('stateAt() says so when the store has lost an update', () => {
    const fresh = chainOf(net, 'G', 'a', 'b', 'c')
    const store = net.store('G', 'a', 'c')
    assert.throws(() => fresh.stateAt(3, store), refusal('unknown-update'))
    assert.deepEqual(fresh.stateAt(1, store), net.state('a'))
  })

  test('a branch has no states of what it branched off from', () => {
    // Both have an update at height 64, where a state is remembered.
    const forked = drawChain(
      `
        G -> n1..n63 -> old1..old9
                 n63 -> new1..new9
      `,
      { updates: { old1: { adds: 'bob' }, new1: { adds: 'carol' } }, isUnsigned: true },
    )
    const store = forked.store()
    const old = chainOf(forked, 'G', 'n1..n63', 'old1..old9')
    for (const last of [72, 64]) {
      old.stateAt(last, store)
      const branch = old.keepOldest(64).extend(steps(forked, 'new1..new9'))
      assert.deepEqual(branch.stateAt(64, store), forked.state('new1'))
      assert.deepEqual(branch.stateAt(72, store), forked.state('new9'))
      assert.deepEqual(old.stateAt(64, store), forked.state('old1'))
    }
  })

  test('backwards() of one update has one', () => {
    const one = chainOf(net, 'G')
    assert.deepEqual(net.names([...one.backwards(net.store())].map(({ aum }) => aum)), ['G'])
  })

  for (const every of [0, 7, 50]) {
    test(`of 300 updates, checkpoints every ${every}: all states, forwards and backwards`, () => {
      const updates: Record<string, DrawnUpdate> = {}
      for (let i = 1; i <= 300; i++) {
        if (every > 0 && i % every === 0) updates[`n${i}`] = { checkpoint: true }
        else if (i % 3 === 0) updates[`n${i}`] = { adds: `key ${i}` }
      }
      const long = drawChain('G -> n1..n300', { updates, isUnsigned: true })
      const store = long.store()
      const all = ['G', ...Array.from({ length: 300 }, (_, i) => `n${i + 1}`)]
      const fresh = (): ActiveChain => chainOf(long, 'G', 'n1..n300')
      assert.deepEqual(fresh().stateAt(300, store), long.state('n300'))
      assert.deepEqual(fresh().stateAt(130, store), long.state('n130'))
      const backwards = [...fresh().backwards(store)]
      assert.deepEqual(long.names(backwards.map(({ aum }) => aum)), all.toReversed())
      const states = all.toReversed().map((name) => long.state(name))
      assert.deepEqual(
        backwards.map(({ state }) => state),
        states,
      )
    })
  }

  test('computes few states to reach a height again: nothing is quadratic', () => {
    const long = drawChain('G -> n1..n2000', { isUnsigned: true })
    const store = long.store()
    let reads = 0
    const counting = {
      ...store,
      get: (hash: Parameters<typeof store.get>[0]) => (reads++, store.get(hash)),
    }
    const fresh = chainOf(long, 'G', 'n1..n2000')
    fresh.stateAt(2000, counting)
    assert.equal(reads, 2000)
    reads = 0
    for (let height = 1999; height > 0; height -= 100) fresh.stateAt(height, counting)
    assert.ok(reads <= 20 * 64, `${reads} reads`)
  })
})
