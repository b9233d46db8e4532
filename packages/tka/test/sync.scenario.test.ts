// SPDX-License-Identifier: Apache-2.0

/** Two sides, what each has, what each sends, and where both arrive. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drawChain, type DrawnChain, type DrawnUpdate } from '@signet/testkit/chain'
import {
  compactAuthority,
  informAuthority,
  missingAums,
  OFFICIAL_HEAD_WALK,
  parseSyncOffer,
  syncIntersection,
  syncOffer,
  syncOfferText,
  type AumStore,
  type Authority,
} from '../src/index.ts'
import { refusal } from './support/refuses.ts'

interface Side {
  authority: Authority
  readonly store: AumStore
}

/** What A sends to B, as names, and how it found out. */
function sends(net: DrawnChain, a: Side, b: Side): string[] {
  const offer = parseSyncOffer(syncOfferText(syncOffer(b.authority)))
  return net.names(missingAums(a.authority, a.store, offer))
}

function meeting(net: DrawnChain, a: Side, b: Side): string {
  const found = syncIntersection(a.authority, a.store, syncOffer(b.authority))
  return found.kind === 'none' ? 'none' : `${found.kind} ${net.name(found.at)}`
}

/** Both lists are computed before either side takes one, as members do. */
function sync(net: DrawnChain, a: Side, b: Side): void {
  const forB = net.aums('G', ...sends(net, a, b)).slice(1)
  const forA = net.aums('G', ...sends(net, b, a)).slice(1)
  if (forA.length > 0) a.authority = informAuthority(a.authority, a.store, forA)
  if (forB.length > 0) b.authority = informAuthority(b.authority, b.store, forB)
}

function everyFifty(count: number): Record<string, DrawnUpdate> {
  const out: Record<string, DrawnUpdate> = {}
  for (let i = 50; i <= count; i += 50) out[`n${i}`] = { checkpoint: true }
  return out
}

describe('two members', () => {
  const net = drawChain(
    `
      G -> a -> b -> c
           a -> x -> y
    `,
    { keys: { alice: 2, bob: 1 }, updates: { x: { by: ['bob'] } } },
  )

  test('with the same head send nothing', () => {
    const [a, b] = [net.open('G', 'a'), net.open('G', 'a')]
    assert.equal(meeting(net, a, b), 'up-to-date a')
    assert.deepEqual(sends(net, a, b), [])
  })

  test('one ahead: it sends what follows the other’s head', () => {
    const [a, b] = [net.open('G', 'a', 'b', 'c'), net.open('G', 'a')]
    assert.equal(meeting(net, a, b), 'head a')
    assert.deepEqual(sends(net, a, b), ['b', 'c'])
    assert.equal(meeting(net, b, a), 'tail G')
    assert.deepEqual(sends(net, b, a), ['a'])
    sync(net, a, b)
    assert.equal(b.authority.head, a.authority.head)
  })

  test('on two branches: both arrive at the heavier one', () => {
    const [a, b] = [net.open('G', 'a', 'b', 'c'), net.open('G', 'a', 'x', 'y')]
    assert.equal(meeting(net, a, b), 'tail G')
    assert.deepEqual(sends(net, a, b), ['a', 'b', 'c'])
    assert.deepEqual(sends(net, b, a), ['a', 'x', 'y'])
    sync(net, a, b)
    assert.equal(net.name(a.authority.head), 'c')
    assert.equal(net.name(b.authority.head), 'c')
    assert.deepEqual(net.names(a.store.hashes()).sort(), net.names(b.store.hashes()).sort())
  })

  test('the other’s head on our losing branch is no common update', () => {
    const [a, b] = [net.open(), net.open('G', 'a', 'x', 'y')]
    assert.equal(net.name(a.authority.head), 'c')
    assert.equal(meeting(net, a, b), 'tail G')
    assert.deepEqual(sends(net, a, b), ['a', 'b', 'c'])
  })

  test('what is on a losing branch is never sent', () => {
    const [a, b] = [net.open(), net.open('G')]
    assert.deepEqual(sends(net, a, b), ['a', 'b', 'c'])
  })

  test('of two authorities have nothing in common: an ordinary outcome', () => {
    const two = drawChain(`
      G -> a
      P -> q
    `)
    const [a, b] = [two.open('G', 'a'), two.open('P', 'q')]
    assert.equal(meeting(two, a, b), 'none')
    assert.throws(() => sends(two, a, b), refusal('no-intersection'))
    const both = two.store()
    both.setLastActiveAncestor(two.hash('G'))
  })
})

describe('checkpoints', () => {
  const net = drawChain('G -> a -> C -> c -> D -> d', {
    updates: { C: { checkpoint: true }, D: { checkpoint: true } },
  })

  test('are offered newest first, then the oldest update', () => {
    const { authority } = net.open()
    const offer = syncOffer(authority)
    assert.equal(net.name(offer.head), 'd')
    assert.deepEqual(net.names(offer.ancestors), ['D', 'C', 'G'])
  })

  test('are offered even if they are the head', () => {
    const offer = syncOffer(net.open('G', 'a', 'C').authority)
    assert.deepEqual(net.names(offer.ancestors), ['C', 'G'])
  })

  test('shorten the way to a common update', () => {
    const forked = drawChain(
      `
        G -> a -> C -> c -> d
                  C -> x
      `,
      { updates: { C: { checkpoint: true } } },
    )
    const [a, b] = [forked.open('G', 'a', 'C', 'c', 'd'), forked.open('G', 'a', 'C', 'x')]
    assert.equal(meeting(forked, a, b), 'tail C')
    assert.deepEqual(sends(forked, a, b), ['c', 'd'])
  })

  test('Q35: a member that started from one syncs with one that has everything', () => {
    const [young, old] = [net.open('C', 'c'), net.open()]
    assert.equal(meeting(net, old, young), 'head c')
    assert.equal(meeting(net, young, old), 'tail C')
    sync(net, young, old)
    assert.equal(young.authority.head, old.authority.head)
  })

  test('who has forgotten too much cannot be helped, in either direction', () => {
    const [compacted, behind] = [net.open('D', 'd'), net.open('G', 'a')]
    assert.equal(meeting(net, compacted, behind), 'none')
    assert.equal(meeting(net, behind, compacted), 'none')
  })
})

describe('long chains', () => {
  const net = drawChain('G -> n1..n5000', { updates: everyFifty(5000), isUnsigned: true })
  const full = net.open()
  const official = { officialLimits: true } as const

  function side(count: number): Side {
    return net.open('G', `n1..n${count}`)
  }

  test('an offer has the checkpoints of the newest 1000 updates, then ever fewer', () => {
    const { head, ancestors } = syncOffer(full.authority)
    assert.equal(net.name(head), 'n5000')
    const names = net.names(ancestors)
    const near = Array.from({ length: 20 }, (_, i) => `n${5000 - 50 * i}`)
    assert.deepEqual(names, [...near, 'n4000', 'n3000', 'n1000', 'G'])
    assert.deepEqual(net.names(syncOffer(full.authority, official).ancestors), [...near, 'G'])
  })

  test('a chain without checkpoints offers its oldest update', () => {
    const plain = drawChain('G -> n1..n1500', { isUnsigned: true })
    assert.deepEqual(plain.names(syncOffer(plain.open().authority).ancestors), ['G'])
  })

  test('the other’s head is found however far back it is', () => {
    for (const behind of [OFFICIAL_HEAD_WALK - 1, OFFICIAL_HEAD_WALK, 4900]) {
      const lagging = side(5000 - behind)
      assert.equal(meeting(net, full, lagging), `head n${5000 - behind}`)
      assert.equal(sends(net, full, lagging).length, behind)
    }
  })

  test('official software looks 999 updates back', () => {
    const at = (behind: number): string => {
      const offer = syncOffer(side(5000 - behind).authority)
      return syncIntersection(full.authority, full.store, offer, official).kind
    }
    assert.equal(at(OFFICIAL_HEAD_WALK - 1), 'head')
    assert.equal(at(OFFICIAL_HEAD_WALK), 'tail')
  })

  test('official software gives up at 2000 updates', () => {
    const offer = syncOffer(side(3000).authority)
    const missing = (): unknown => missingAums(full.authority, full.store, offer, official)
    assert.throws(missing, refusal('official-limit'))
    assert.equal(missingAums(full.authority, full.store, offer).length, 2000)
  })

  test('a lagging side sends about as much as it is behind, not everything', () => {
    const lagging = side(3900)
    const sent = sends(net, lagging, full)
    assert.equal(sent.at(-1), 'n3900')
    assert.ok(sent.length <= 900, `${sent.length} sent`)
  })

  test('syncing costs what is sent', () => {
    let reads = 0
    const counting: AumStore = { ...full.store, get: (hash) => (reads++, full.store.get(hash)) }
    const offer = syncOffer(side(4990).authority)
    assert.equal(missingAums(full.authority, counting, offer).length, 10)
    assert.equal(reads, 10)
  })
})

describe('offers as text', () => {
  const net = drawChain('G -> a')

  test('parseSyncOffer() is the inverse of syncOfferText()', () => {
    const offer = syncOffer(net.open().authority)
    assert.deepEqual(parseSyncOffer(syncOfferText(offer)), offer)
  })

  test('one bad hash refuses all', () => {
    const text = syncOfferText(syncOffer(net.open().authority))
    for (const bad of [
      { ...text, head: '' },
      { ...text, head: text.head.toLowerCase() },
      { ...text, ancestors: [...text.ancestors, 'x'] },
    ]) {
      assert.throws(() => parseSyncOffer(bad), refusal('bad-hash-text'))
    }
  })

  test('an offer without ancestors, or with strangers, is no error', () => {
    const { authority, store } = net.open()
    const nobody = drawChain('P', { keys: { bob: 1 } }).hash('P')
    assert.equal(syncIntersection(authority, store, { head: nobody, ancestors: [] }).kind, 'none')
    const strange = { head: nobody, ancestors: [nobody, net.hash('G')] }
    assert.equal(syncIntersection(authority, store, strange).kind, 'tail')
  })
})

test('members that compacted differently still sync', () => {
  const net = drawChain('G -> n1..n120', { updates: everyFifty(120) })
  const a: Side = net.open()
  const b: Side = net.open('G', 'n1..n110')
  a.authority = compactAuthority(a.authority, a.store, { now: 1e12, minChain: 5 })
  assert.equal(net.name(a.authority.oldestAncestor), 'n100')
  sync(net, a, b)
  assert.equal(b.authority.head, a.authority.head)
})
