// SPDX-License-Identifier: Apache-2.0

/** Q38: what compaction keeps. The pictures show the chain, the tests what is left of it. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drawChain, type DrawnChain, type DrawnUpdate } from '@signet/testkit/chain'
import {
  compactAuthority,
  createMemoryStore,
  informAuthority,
  openAuthority,
  type AumStore,
  type Authority,
  type TkaErrorCode,
} from '../src/index.ts'
import { refusal } from './support/refuses.ts'

const DAY = 24 * 60 * 60 * 1000
const NOW = 1000 * DAY

interface Scenario {
  readonly minChain: number
  readonly young?: readonly string[]
}

/** Opens all of a drawing; updates in `young` are a day old, all others a hundred. */
function openAged(
  net: DrawnChain,
  young: readonly string[],
): { authority: Authority; store: AumStore } {
  const entries = net.aums().map((aum) => {
    const isYoung = young.includes(net.names([aum])[0] ?? '')
    return { aum, commitTime: NOW - (isYoung ? 1 : 100) * DAY }
  })
  const store = createMemoryStore({ now: () => NOW, entries })
  return { authority: openAuthority(store), store }
}

function compacted(
  net: DrawnChain,
  { minChain, young = [] }: Scenario,
): { oldest: string; left: string } {
  const { authority, store } = openAged(net, young)
  const before = { head: authority.head, state: authority.state }
  const after = compactAuthority(authority, store, { now: NOW, minChain })
  assert.deepEqual({ head: after.head, state: after.state }, before)
  assert.equal(store.lastActiveAncestor(), after.oldestAncestor)
  const again = openAuthority(store)
  assert.equal(again.head, after.head)
  assert.deepEqual(again.state, after.state)
  assert.equal(again.oldestAncestor, after.oldestAncestor)
  assert.equal(again.chain.length, after.chain.length)
  for (let height = 0; height < after.chain.length; height++) {
    const name = net.name(after.chain.at(height))
    assert.deepEqual(after.chain.stateAt(height, store), net.state(name))
  }
  const all = net.names(net.aums()).filter((name) => store.has(net.hash(name)))
  return { oldest: net.name(after.oldestAncestor), left: all.join(' ') }
}

const checkpoint: DrawnUpdate = { checkpoint: true }

describe('compactAuthority() of a line', () => {
  const net = drawChain('G -> a -> b -> C -> d -> e -> F -> g -> h', {
    updates: { C: checkpoint, F: checkpoint, a: { adds: 'bob' }, d: { adds: 'carol' } },
  })

  const scenarios: [string, Scenario, string, string][] = [
    ['begins at the checkpoint behind the newest', { minChain: 1 }, 'F', 'F g h'],
    ['keeps as many as it has to', { minChain: 2 }, 'F', 'F g h'],
    ['begins behind them', { minChain: 3 }, 'C', 'C d e F g h'],
    ['keeps all if they are needed', { minChain: 6 }, 'G', 'G a b C d e F g h'],
    ['keeps all of a chain that is not longer', { minChain: 9 }, 'G', 'G a b C d e F g h'],
    ['keeps all of a chain that is shorter', { minChain: 99 }, 'G', 'G a b C d e F g h'],
    [
      'does not begin at a young checkpoint',
      { minChain: 1, young: ['F', 'g', 'h'] },
      'C',
      'C d e F g h',
    ],
    [
      'keeps young updates, with the way to them',
      { minChain: 1, young: ['e'] },
      'C',
      'C d e F g h',
    ],
    [
      'keeps a young update that is old in the chain',
      { minChain: 1, young: ['a'] },
      'G',
      'G a b C d e F g h',
    ],
    [
      'begins at a young first update rather than nowhere',
      { minChain: 1, young: ['G', 'a', 'b', 'C', 'd', 'e', 'F', 'g', 'h'] },
      'G',
      'G a b C d e F g h',
    ],
  ]
  for (const [name, scenario, oldest, left] of scenarios) {
    test(name, () => assert.deepEqual(compacted(net, scenario), { oldest, left }))
  }

  test('can be done again, and forgets no more', () => {
    const { authority, store } = openAged(net, [])
    const options = { now: NOW, minChain: 2 }
    const once = compactAuthority(authority, store, options)
    const twice = compactAuthority(once, store, options)
    assert.equal(twice.oldestAncestor, once.oldestAncestor)
  })

  test('by default keeps 24 updates, and what is younger than 14 days', () => {
    const long = drawChain('G -> n1..n60', { updates: { n20: checkpoint, n40: checkpoint } })
    const oldestAt = (now: number): string => {
      const { authority, store } = openAged(long, [])
      return long.name(compactAuthority(authority, store, { now }).oldestAncestor)
    }
    assert.equal(oldestAt(NOW), 'n20')
    const fourteenDaysOn = NOW - 86 * DAY
    assert.equal(oldestAt(fourteenDaysOn), 'n20')
    assert.equal(oldestAt(fourteenDaysOn - 1), 'G')
  })

  test('goes on being informed afterwards', () => {
    const more = drawChain('G -> a -> b -> C -> d -> e -> F -> g -> h -> i', {
      updates: { C: checkpoint, F: checkpoint, a: { adds: 'bob' }, d: { adds: 'carol' } },
    })
    const { authority, store } = openAged(net, [])
    const after = compactAuthority(authority, store, { now: NOW, minChain: 2 })
    const next = informAuthority(after, store, more.aums('i'))
    assert.deepEqual(next.state, more.state('i'))
    assert.equal(openAuthority(store).head, next.head)
  })
})

describe('compactAuthority() with branches', () => {
  const net = drawChain(
    `
      G -> a -> b -> C -> d -> e -> F -> g -> h
           a -> v
                     C -> w
                          d -> x -> y
                                    F -> z
    `,
    {
      keys: { alice: 2, bob: 1 },
      updates: {
        C: checkpoint,
        F: checkpoint,
        ...Object.fromEntries(['v', 'w', 'x', 'y', 'z'].map((name) => [name, { by: ['bob'] }])),
      },
    },
  )

  const scenarios: [string, Scenario, string, string][] = [
    ['forgets old branches, keeps those of what it keeps', { minChain: 2 }, 'F', 'F g h z'],
    ['keeps branches off the kept part', { minChain: 4 }, 'C', 'C d e F g h w x y z'],
    [
      'a young tip keeps its branch, and moves the beginning back',
      { minChain: 2, young: ['y'] },
      'C',
      'C d e F g h x y z',
    ],
    [
      'a young branch from the middle keeps its descendants',
      { minChain: 2, young: ['x'] },
      'C',
      'C d e F g h x y z',
    ],
    [
      'a young branch moves it back to a checkpoint',
      { minChain: 2, young: ['v'] },
      'G',
      'G a b C d e F g h v z',
    ],
    [
      'the oldest branch decides',
      { minChain: 2, young: ['v', 'y'] },
      'G',
      'G a b C d e F g h v x y z',
    ],
  ]
  for (const [name, scenario, oldest, left] of scenarios) {
    test(name, () => assert.deepEqual(compacted(net, scenario), { oldest, left }))
  }
})

describe('compactAuthority() forgets nothing', () => {
  function assertRefused(
    code: TkaErrorCode,
    net: DrawnChain,
    scenario: Scenario,
    minAge?: number,
  ): void {
    const { authority, store } = openAged(net, scenario.young ?? [])
    const before = [...store.hashes()]
    const { minChain } = scenario
    const options = minAge === undefined ? { now: NOW, minChain } : { now: NOW, minChain, minAge }
    assert.throws(() => compactAuthority(authority, store, options), refusal(code))
    assert.deepEqual([...store.hashes()], before)
    assert.equal(store.lastActiveAncestor(), undefined)
  }

  const line = drawChain('G -> a -> b -> C -> d', { updates: { C: checkpoint } })

  test('with bad options', () => {
    assertRefused('bad-option', line, { minChain: 0 })
    assertRefused('bad-option', line, { minChain: Number.NaN })
    assertRefused('bad-option', line, { minChain: 1 }, 0)
  })

  test('if a young first update would have to go', () => {
    assertRefused('cannot-compact', line, { minChain: 1, young: ['G'] })
  })

  test('if it began at a checkpoint that is young', () => {
    const { store } = openAged(line, ['C', 'd'])
    store.purge(['G', 'a', 'b'].map((name) => line.hash(name)))
    const authority = openAuthority(store)
    const compact = (): Authority => compactAuthority(authority, store, { now: NOW, minChain: 1 })
    assert.throws(compact, refusal('cannot-compact'))
  })

  test('if the store fails in the middle', () => {
    const { authority, store } = openAged(line, [])
    const failing: AumStore = {
      ...store,
      purge() {
        throw new Error('input/output error')
      },
    }
    assert.throws(() => compactAuthority(authority, failing, { now: NOW, minChain: 1 }), /input/)
    assert.equal(openAuthority(store).head, authority.head)
    assert.equal(line.name(openAuthority(store).oldestAncestor), 'G')
  })
})
