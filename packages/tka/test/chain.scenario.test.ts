// SPDX-License-Identifier: Apache-2.0

/** Which stored chain is active: the picture, and where the head is. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drawChain, keyOf, type DrawingOptions } from '@signet/testkit/chain'
import {
  aumHash,
  aumHashBytes,
  AumKind,
  createMemoryStore,
  EMPTY_AUM,
  openAuthority,
  stateAt,
  trustStoredAum,
  type AumStore,
  type TkaErrorCode,
} from '../src/index.ts'
import { refusal } from './support/refuses.ts'

const official = { officialLimits: true } as const

function assertHead(head: string, picture: string, options: DrawingOptions = {}): void {
  const net = drawChain(picture, options)
  const { authority } = net.open()
  assert.equal(net.name(authority.head), head)
  assert.deepEqual(authority.state, net.state(head))
  assert.equal(net.name(authority.oldestAncestor), 'G')
  assert.equal(authority.stateId, '1:2')
  const limited = openAuthority(net.store(), official)
  assert.equal(limited.head, authority.head)
}

describe('openAuthority() follows', () => {
  test('a line to its end', () => assertHead('c', 'G -> a -> b -> c'))

  test('a lone first update', () => assertHead('G', 'G'))

  test('the heavier sibling', () => {
    const picture = `
      G -> a -> b
           a -> x
    `
    assertHead('x', picture, { keys: { alice: 1, bob: 2 }, updates: { x: { by: ['bob'] } } })
    assertHead('x', picture, {
      keys: { alice: 1, bob: 1 },
      updates: { x: { by: ['alice', 'bob'] } },
    })
  })

  test('Q32: the heavier sibling, however long the other branch is', () => {
    assertHead(
      'x',
      `
        G -> a -> n1..n10
             a -> x
      `,
      { keys: { alice: 1, bob: 2 }, updates: { x: { by: ['bob'] } } },
    )
  })

  test('Q32: the lighter sibling’s branch not at all, even if all of it is heavy', () => {
    const heavy = { by: ['bob', 'carol'] }
    assertHead(
      'c',
      `
        G -> a -> b -> c
             a -> x -> y -> z
      `,
      {
        keys: { alice: 2, bob: 1, carol: 9 },
        updates: { x: { by: ['bob'] }, y: heavy, z: heavy },
      },
    )
  })

  test('Q31: the removal of a key, if all weigh the same', () => {
    assertHead(
      'r',
      `
        G -> a
        G -> r
        G -> c
      `,
      { keys: { alice: 1, bob: 1 }, updates: { r: { removes: 'bob' } } },
    )
  })

  test('Q31: the lowest hash, if nothing else decides', () => {
    const picture = `
      G -> a
      G -> b
    `
    assertHead('a', picture, { hashOrder: ['a', 'b'] })
    assertHead('b', picture, { hashOrder: ['b', 'a'] })
  })

  test('Q30: weights in the state of the parent, where the key was added', () => {
    assertHead(
      'x',
      `
        G -> a -> b
             a -> x
      `,
      { keys: { alice: 1 }, updates: { a: { adds: 'bob', votes: 5 }, x: { by: ['bob'] } } },
    )
  })

  test('each fork in turn', () => {
    assertHead(
      'd',
      `
        G -> a -> b -> c
                  b -> d
             a -> x -> y
        G -> z
      `,
      {
        keys: { alice: 2, bob: 3, carol: 1 },
        updates: { d: { by: ['bob'] }, x: { by: ['carol'] }, z: { by: ['carol'] } },
      },
    )
  })

  test('Q21: updates from the future', () => {
    assertHead('b', 'G -> a -> b', {
      updates: { a: { fields: { kind: 6, votes: 3n } }, b: { adds: 'bob' } },
    })
  })
})

describe('openAuthority() of a store that is not one chain', () => {
  const two = drawChain(`
    G -> a -> b
    P -> q
    O
  `)

  function open(hint: string | undefined, ...names: string[]): string {
    const store = two.store(...names)
    if (hint !== undefined) store.setLastActiveAncestor(two.hash(hint))
    return two.name(openAuthority(store).head)
  }

  test('Q34: opens the chain of the last active ancestor', () => {
    assert.equal(open('G'), 'b')
    assert.equal(open('a'), 'b')
    assert.equal(open('P'), 'q')
  })

  test('Q34: opens what there is, if it is one chain, whatever is remembered', () => {
    assert.equal(open('P', 'G', 'a'), 'a')
    assert.equal(open('G', 'O'), 'O')
    assert.equal(open(undefined, 'P', 'q'), 'q')
  })

  for (const hint of [undefined, 'b', 'q', 'O']) {
    test(`Q34: refuses to guess: ${hint ?? 'nothing'} remembered`, () => {
      assert.throws(() => open(hint), refusal('ambiguous-chain'))
    })
  }

  test('Q34: where a branch forks, one branch’s update is enough to find the chain', () => {
    // Official software asks only the head with the highest hash, and gives up on one of these.
    const order = [
      ['c', 'd'],
      ['d', 'c'],
    ]
    const opened = order.map((hashOrder) => {
      const net = drawChain(
        `
          G -> a -> c
          G -> b -> d
          P -> q
        `,
        { hashOrder },
      )
      const store = net.store()
      store.setLastActiveAncestor(net.hash('a'))
      const ours = net.name(openAuthority(store).oldestAncestor)
      return {
        ours,
        theirs: outcome(() => net.name(openAuthority(store, official).oldestAncestor)),
      }
    })
    assert.deepEqual(opened, [
      { ours: 'G', theirs: 'ambiguous-chain' },
      { ours: 'G', theirs: 'G' },
    ])
  })

  function outcome(run: () => string): string {
    try {
      return run()
    } catch (error) {
      return (error as { code: string }).code
    }
  }

  const damaged: [string, TkaErrorCode, string[]][] = [
    ['nothing', 'empty-store', []],
    ['a line without its start', 'missing-parent', ['a', 'b', 'c']],
    ['a line with a gap', 'missing-parent', ['G', 'a', 'c']],
    ['a losing branch with a gap', 'missing-parent', ['G', 'a', 'b', 'c', 'y']],
  ]
  const net = drawChain(
    `
      G -> a -> b -> c
           a -> x -> y
    `,
    { keys: { alice: 2, bob: 1 }, updates: { x: { by: ['bob'] } } },
  )
  for (const [name, code, names] of damaged) {
    test(`Q58: refuses ${name}, whatever is remembered`, () => {
      for (const hint of [undefined, 'G', 'a', 'c'] as const) {
        const store: AumStore = names.length > 0 ? net.store(...names) : drawChain('').store()
        if (hint !== undefined) store.setLastActiveAncestor(net.hash(hint))
        assert.throws(() => openAuthority(store), refusal(code))
      }
    })
  }

  test('refuses a start that is none', () => {
    for (const kind of [0, 2, 4, 6]) {
      const aum = trustStoredAum({ ...EMPTY_AUM, kind })
      const store = createMemoryStore({ now: () => 0, entries: [{ aum, commitTime: 0 }] })
      assert.throws(() => openAuthority(store), refusal('bad-genesis'))
    }
  })

  test('refuses a checkpoint that has no state', () => {
    const aum = trustStoredAum({ ...EMPTY_AUM, kind: AumKind.Checkpoint })
    const store = createMemoryStore({ now: () => 0, entries: [{ aum, commitTime: 0 }] })
    assert.throws(() => openAuthority(store), refusal('bad-genesis'))
    assert.throws(() => openAuthority(store, official), refusal('bad-genesis'))
  })

  test('with officialLimits, refuses nothing at all', () => {
    assert.throws(() => openAuthority(drawChain('').store(), official), refusal('empty-store'))
  })

  test('starts with a no-op or an added key, as old test networks did', () => {
    for (const fields of [{ kind: AumKind.NoOp }, { kind: AumKind.AddKey, key: keyOf('alice') }]) {
      const aum = trustStoredAum({ ...EMPTY_AUM, ...fields })
      const next = trustStoredAum({ ...EMPTY_AUM, kind: 3, prev: aumHashBytes(aumHash(aum)) })
      const store = createMemoryStore({ now: () => 0 })
      store.commit([aum, next])
      const { head, chain } = openAuthority(store)
      assert.equal(head, aumHash(next))
      assert.equal(chain.stateAt(1, store).lastAumHash, aumHash(next))
      assert.equal(chain.stateAt(0, store).lastAumHash, aumHash(aum))
    }
  })

  test('Q35: a later checkpoint is a start', () => {
    const later = drawChain('G -> a -> C -> d', { updates: { C: { checkpoint: true } } })
    const { authority } = later.open('C', 'd')
    assert.equal(later.name(authority.oldestAncestor), 'C')
    assert.deepEqual(authority.state, later.state('d'))
  })
})

describe('long chains', () => {
  test('Q33: 2000 updates open for everybody', () => {
    const net = drawChain('G -> n1..n1999', { isUnsigned: true })
    assert.equal(net.name(openAuthority(net.store(), official).head), 'n1999')
    assert.equal(net.name(openAuthority(net.store()).head), 'n1999')
  })

  test('Q33: 2001 updates open here, where official software is locked out', () => {
    const net = drawChain('G -> n1..n2000', { isUnsigned: true })
    assert.throws(() => openAuthority(net.store(), official), refusal('official-limit'))
    assert.equal(net.name(openAuthority(net.store()).head), 'n2000')
  })

  test('20,000 updates without a checkpoint open', () => {
    const net = drawChain('G -> n1..n20000', { isUnsigned: true })
    const { authority, store } = net.open()
    assert.equal(net.name(authority.head), 'n20000')
    assert.equal(authority.chain.length, 20_001)
    assert.deepEqual(authority.state, net.state('n20000'))
    assert.deepEqual(authority.chain.stateAt(12_345, store), net.state('n12345'))
  })

  test('a fork at every one of 2000 updates: nothing is quadratic', () => {
    const lines = Array.from({ length: 2000 }, (_, i) => `n${i} -> x${i + 1}`)
    const net = drawChain(`n0..n2000\n${lines.join('\n')}`, { isUnsigned: true })
    const store = net.store()
    let reads = 0
    const counting: AumStore = { ...store, get: (hash) => (reads++, store.get(hash)) }
    const { chain, state } = openAuthority(counting)
    assert.deepEqual(state, net.state(net.name(chain.head)))
    assert.ok(reads < 10 * 4000, `${reads} reads`)
  })
})

describe('stateAt()', () => {
  const net = drawChain(
    `
      G -> a -> C -> c -> d
           a -> x -> y
    `,
    {
      keys: { alice: 2, bob: 1 },
      updates: { a: { adds: 'carol' }, C: { checkpoint: true }, x: { adds: 'dora', by: ['bob'] } },
    },
  )

  test('finds the state on and off the active chain', () => {
    const { authority, store } = net.open()
    for (const name of ['G', 'a', 'C', 'c', 'd', 'x', 'y']) {
      assert.deepEqual(stateAt(store, net.hash(name)), net.state(name))
      assert.deepEqual(stateAt(store, net.hash(name), authority), net.state(name))
    }
  })

  test('tells an update that is not there from one whose parent is not', () => {
    const store = net.store('G', 'y')
    assert.throws(() => stateAt(store, net.hash('a')), refusal('unknown-update'))
    assert.throws(() => stateAt(store, net.hash('y')), refusal('missing-parent'))
  })
})
