// SPDX-License-Identifier: Apache-2.0

/**
 * The contract of `AumStore`, as tests: every implementation passes them.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { aumHash, encodeAum, type AumHash, type AumStore, type VerifiedAum } from '@signet/tka'
import { drawChain } from '../chain.ts'

/** A new store, and a way to look at what it keeps. */
export interface AumStoreHarness {
  readonly store: AumStore
  /** Opens what was kept, as a restarted process would; absent if nothing is kept. */
  readonly reopen?: (() => AumStore) | undefined
}

/**
 * Registers the contract's tests for one implementation. `create` makes an empty store that reads
 * the time from `now`; commit times need be kept to the second only.
 */
export function testAumStore(name: string, create: (now: () => number) => AumStoreHarness): void {
  //  G - a - b - c        P
  //       \ - x
  const net = drawChain(`
    G -> a -> b -> c
         a -> x
    P
  `)
  const { hash } = net
  const SECOND = 1000

  /** Runs checks on a store, and again on what it kept. */
  function onBoth(harness: AumStoreHarness, check: (store: AumStore) => void): void {
    check(harness.store)
    if (harness.reopen) check(harness.reopen())
  }

  function assertHashes(actual: Iterable<AumHash>, expected: readonly string[]): void {
    assert.deepEqual(net.names(actual).sort(), [...expected].sort())
  }

  function filled(...names: readonly string[]): AumStoreHarness {
    const harness = create(() => SECOND)
    harness.store.commit(net.aums(...names))
    return harness
  }

  describe(`${name} keeps the contract of a store`, () => {
    test('an empty store has nothing', () => {
      onBoth(
        create(() => SECOND),
        (store) => {
          assert.equal(store.get(hash('G')), undefined)
          assert.equal(store.link(hash('G')), undefined)
          assert.equal(store.has(hash('G')), false)
          assert.deepEqual(store.children(hash('G')), [])
          assert.deepEqual(store.heads(), [])
          assert.deepEqual([...store.hashes()], [])
          assert.equal(store.commitTime(hash('G')), undefined)
          assert.equal(store.lastActiveAncestor(), undefined)
        },
      )
    })

    test('commit() keeps updates, byte for byte', () => {
      onBoth(filled('G', 'a', 'x'), (store) => {
        assertHashes(store.hashes(), ['G', 'a', 'x'])
        for (const aum of net.aums('G', 'a', 'x')) {
          const kept = store.get(aumHash(aum))
          assert.ok(kept)
          assert.deepEqual(encodeAum(kept), encodeAum(aum))
          assert.equal(aumHash(kept), aumHash(aum))
          assert.equal(store.has(aumHash(aum)), true)
          assert.equal(store.commitTime(aumHash(aum)), SECOND)
        }
        assert.deepEqual({ ...linkOf(store, 'a') }, { kind: 3, parent: hash('G') })
        assert.deepEqual({ ...linkOf(store, 'G') }, { kind: 5, parent: null })
      })
    })

    function linkOf(store: AumStore, update: string): { kind: number; parent: AumHash | null } {
      const link = store.link(hash(update))
      assert.ok(link)
      return { kind: link.kind, parent: link.parent }
    }

    test('children() and heads() show the tree, whatever the order of commits', () => {
      for (const order of [
        ['G', 'a', 'b', 'x', 'P'],
        ['x', 'P', 'b', 'a', 'G'],
      ]) {
        const harness = create(() => SECOND)
        for (const update of order) harness.store.commit(net.aums(update))
        onBoth(harness, (store) => {
          assertHashes(store.heads(), ['b', 'x', 'P'])
          assertHashes(store.children(hash('a')), ['b', 'x'])
          assertHashes(store.children(hash('G')), ['a'])
          assertHashes(store.children(hash('c')), [])
        })
      }
    })

    test('children() knows children of updates that are not there', () => {
      onBoth(filled('b', 'x'), (store) => {
        assertHashes(store.children(hash('a')), ['b', 'x'])
        assertHashes(store.heads(), ['b', 'x'])
      })
    })

    test('commit() leaves what is there as it is', () => {
      let now = SECOND
      const harness = create(() => now)
      harness.store.commit(net.aums('G', 'a'))
      now = 9 * SECOND
      harness.store.commit(net.aums('a', 'b', 'b'))
      onBoth(harness, (store) => {
        assertHashes(store.hashes(), ['G', 'a', 'b'])
        assertHashes(store.children(hash('a')), ['b'])
        assert.equal(store.commitTime(hash('a')), SECOND)
        assert.equal(store.commitTime(hash('b')), 9 * SECOND)
      })
    })

    test('commit() of nothing changes nothing', () => {
      const harness = filled('G')
      harness.store.commit([])
      onBoth(harness, (store) => assertHashes(store.hashes(), ['G']))
    })

    test('purge() forgets updates, and their place in the tree', () => {
      const harness = filled('G', 'a', 'b', 'c', 'x')
      harness.store.purge([hash('x'), hash('c'), hash('P')])
      onBoth(harness, (store) => {
        assertHashes(store.hashes(), ['G', 'a', 'b'])
        assertHashes(store.heads(), ['b'])
        assertHashes(store.children(hash('a')), ['b'])
        assert.equal(store.get(hash('x')), undefined)
        assert.equal(store.link(hash('x')), undefined)
        assert.equal(store.commitTime(hash('x')), undefined)
      })
    })

    test('purge() of a parent leaves its children findable', () => {
      const harness = filled('G', 'a', 'b')
      harness.store.purge([hash('G'), hash('a')])
      onBoth(harness, (store) => {
        assertHashes(store.heads(), ['b'])
        assertHashes(store.children(hash('a')), ['b'])
        assertHashes(store.children(hash('G')), [])
      })
    })

    test('Q39: an update that comes back keeps its first commit time', () => {
      let now = SECOND
      const harness = create(() => now)
      harness.store.commit(net.aums('G', 'a'))
      now = 5 * SECOND
      harness.store.purge([hash('a')])
      now = 9 * SECOND
      harness.store.commit(net.aums('a', 'b'))
      onBoth(harness, (store) => {
        assert.equal(store.commitTime(hash('a')), SECOND)
        assert.equal(store.commitTime(hash('b')), 9 * SECOND)
        assertHashes(store.children(hash('G')), ['a'])
      })
    })

    test('Q39: also when the store was reopened in between', () => {
      let now = SECOND
      const harness = create(() => now)
      harness.store.commit(net.aums('G', 'a'))
      harness.store.purge([hash('a')])
      now = 9 * SECOND
      const store = harness.reopen?.() ?? harness.store
      store.commit(net.aums('a'))
      assert.equal(store.commitTime(hash('a')), SECOND)
    })

    test('the last active ancestor is kept', () => {
      const harness = filled('G', 'a')
      harness.store.setLastActiveAncestor(hash('G'))
      onBoth(harness, (store) => assert.equal(store.lastActiveAncestor(), hash('G')))
      harness.store.setLastActiveAncestor(hash('a'))
      harness.store.purge([hash('G')])
      onBoth(harness, (store) => assert.equal(store.lastActiveAncestor(), hash('a')))
    })

    test('a reopened store goes on', () => {
      const harness = filled('G', 'a')
      const store = harness.reopen?.() ?? harness.store
      store.commit(net.aums('b'))
      store.setLastActiveAncestor(hash('G'))
      onBoth({ store, reopen: harness.reopen }, (again) => {
        assertHashes(again.hashes(), ['G', 'a', 'b'])
        assertHashes(again.heads(), ['b'])
        assert.equal(again.lastActiveAncestor(), hash('G'))
      })
    })

    test('thousands of updates in one commit', () => {
      const long = drawChain('G -> n1..n5000', { isUnsigned: true })
      const all: VerifiedAum[] = long.aums()
      const harness = create(() => SECOND)
      harness.store.commit(all)
      onBoth(harness, (store) => {
        assert.equal([...store.hashes()].length, all.length)
        assert.deepEqual(long.names(store.heads()), ['n5000'])
      })
    })
  })
}
