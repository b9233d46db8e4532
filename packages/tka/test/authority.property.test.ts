// SPDX-License-Identifier: Apache-2.0

/** Whatever the order, whatever the bytes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  drawChain,
  keyOf,
  signerOf,
  type DrawnChain,
  type DrawnUpdate,
} from '@signet/testkit/chain'
import {
  aumHash,
  aumHashBytes,
  aumHashFromBytes,
  AumKind,
  aumParent,
  bootstrapAuthority,
  compactAuthority,
  createLogStore,
  createMemoryStore,
  decodeAum,
  EMPTY_AUM,
  encodeAum,
  informAuthority,
  missingAums,
  openAuthority,
  openGuarded,
  openLogStore,
  signAum,
  syncIntersection,
  syncOffer,
  TkaError,
  type Aum,
  type Authority,
  type AumStore,
  type Key,
  type State,
} from '../src/index.ts'
import { decodeLog } from '../src/log-format.ts'
import { memoryFile } from './support/memory-files.ts'
import { idOf, REAL_GENESIS, signedAum } from './support/samples.ts'

const PLAIN = { noNullPrototype: true }
const bytes = fc.uint8Array({ maxLength: 70 })
const nullable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(value, { freq: 4 })
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
// Broken surrogates are written as U+FFFD, so they cannot come back.
const text = fc.string({ unit: 'binary', maxLength: 12 }).map((value) => value.toWellFormed())
const meta = fc.array(fc.tuple(text, text), { maxLength: 5 }).map((entries) => new Map(entries))
// Empty and absent are written alike, so only one of them can come back.
const notEmpty = <T extends { length: number }>(value: T | null): T | null =>
  value?.length ? value : null
const someMeta = nullable(meta).map((value) => (value?.size ? value : null))

const key: fc.Arbitrary<Key> = fc.record(
  {
    kind: fc.nat(255),
    votes: uint64,
    public: nullable(bytes),
    meta: someMeta,
  },
  PLAIN,
)
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(aumHashFromBytes)
const state: fc.Arbitrary<State> = fc.record(
  {
    lastAumHash: nullable(hash),
    disablementValues: nullable(fc.array(nullable(bytes), { maxLength: 3 })),
    keys: nullable(fc.array(key, { maxLength: 3 })),
    stateId1: uint64,
    stateId2: uint64,
  },
  PLAIN,
)
const signature = fc.record({ keyId: nullable(bytes), signature: nullable(bytes) }, PLAIN)
const aum: fc.Arbitrary<Aum> = fc.record(
  {
    kind: fc.nat(255),
    prev: nullable(bytes),
    key: nullable(key),
    keyId: nullable(bytes).map(notEmpty),
    state: nullable(state),
    votes: nullable(uint64),
    meta: someMeta,
    signatures: nullable(fc.array(signature, { maxLength: 3 })).map(notEmpty),
  },
  PLAIN,
)

test('decodeAum() is the inverse of encodeAum()', () => {
  fc.assert(
    fc.property(aum, (value) => {
      const encoded = encodeAum(value)
      const decoded = decodeAum(encoded)
      assert.deepEqual(decoded, value)
      assert.deepEqual(encodeAum(decoded), encoded)
      assert.equal(aumHash(decoded), aumHash(value))
    }),
    { numRuns: 400 },
  )
})

/** Runs, and lets nothing but a TkaError pass. */
function onlyTkaError(run: () => void): void {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof TkaError, String(error))
  }
}

const seeds = [REAL_GENESIS, encodeAum(signedAum({ kind: 1, key: keyOf('x') }, 'alice', 'bob'))]
const mutated = fc
  .tuple(
    fc.constantFrom(...seeds),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
    fc.nat(),
  )
  .map(([seed, changes, cut]) => {
    const out = new Uint8Array(seed)
    for (const [at, value] of changes) out[at % out.length] = value
    return cut % 3 === 0 ? out.slice(0, cut % out.length) : out
  })

test('whatever the bytes, decodeAum() throws nothing but TkaError, and what it reads can be written', () => {
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 60 })), (input) => {
      onlyTkaError(() => {
        const decoded = decodeAum(input)
        assert.deepEqual(encodeAum(decodeAum(encodeAum(decoded))), encodeAum(decoded))
      })
    }),
    { numRuns: 3000 },
  )
})

const net = drawChain('G -> a -> b -> c', { updates: { a: { adds: 'bob' } } })

test('whatever the bytes, informing throws nothing but TkaError, and stores nothing that is refused', () => {
  const line = encodeAum(net.aum('a'))
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (changes) => {
        const { authority, store } = net.open('G')
        const input = new Uint8Array(line)
        for (const [at, value] of changes) input[at % input.length] = value
        onlyTkaError(() => {
          const next = informAuthority(authority, store, [decodeAum(input)])
          assert.equal(next.head, net.hash('a'), 'a changed update must not be taken')
        })
        assert.ok(
          [...store.hashes()].every((one) => net.name(one) === 'G' || net.name(one) === 'a'),
        )
      },
    ),
    { numRuns: 300 },
  )
})

test('whatever happens to a log, it opens to a state it once had, or not at all', () => {
  const file = memoryFile()
  const store = createLogStore(file, { now: () => 0 })
  bootstrapAuthority(store, net.aum('G'))
  for (const name of ['a', 'b', 'c']) store.commit(net.aums(name))
  const whole = file.bytes ?? new Uint8Array()
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255))
  const damage = fc.array(change, { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(damage, fc.nat(whole.length), (changes, length) => {
      const damaged = new Uint8Array(whole)
      for (const [at, value] of changes) damaged[at] = value
      const torn = damaged.slice(0, length)
      onlyTkaError(() => {
        const opened = openLogStore(memoryFile(torn), { now: () => 0 })
        const names = net.names(opened.hashes())
        assert.deepEqual(names, ['G', 'a', 'b', 'c'].slice(0, names.length))
      })
      onlyTkaError(() => decodeLog(torn))
    }),
    { numRuns: 500 },
  )
})

/** A random tree of updates, some of which change keys, signed by various. */
const tree: fc.Arbitrary<DrawnChain> = fc
  .array(
    fc.record({
      parent: fc.nat(),
      by: fc.subarray(['alice', 'bob', 'carol'], { minLength: 1 }),
      what: fc.constantFrom<DrawnUpdate>(
        {},
        {},
        { checkpoint: true },
        { revotes: 'bob', votes: 3 },
      ),
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map((nodes) => {
    const lines = nodes.map(({ parent }, i) => {
      const above = parent % (i + 1)
      return `${above === 0 ? 'G' : `n${above}`} -> n${i + 1}`
    })
    const updates = nodes.map(({ by, what }, i) => [`n${i + 1}`, { ...what, by }] as const)
    return drawChain(`G\n${lines.join('\n')}`, {
      keys: { alice: 1, bob: 2, carol: 2 },
      updates: Object.fromEntries(updates),
    })
  })

function batchesOf<T>(list: readonly T[], cuts: readonly number[]): T[][] {
  const out: T[][] = [[]]
  for (const [i, item] of list.entries()) {
    out.at(-1)?.push(item)
    if (cuts.includes(i)) out.push([])
  }
  return out.filter((batch) => batch.length > 0)
}

function shuffled<T>(list: readonly T[], keys: readonly number[]): T[] {
  return list
    .map((item, i) => ({ item, key: keys[i % keys.length] ?? 0 }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)
}

interface Side {
  authority: Authority
  readonly store: AumStore
}

function assertSame(side: Side, expected: Authority): void {
  assert.equal(side.authority.head, expected.head)
  assert.deepEqual(side.authority.state, expected.state)
  assert.equal(side.authority.oldestAncestor, expected.oldestAncestor)
  assert.equal(side.authority.chain.length, expected.chain.length)
}

test('any order of delivery of the same updates gives the same head', () => {
  const order = fc.array(fc.nat(), { minLength: 1, maxLength: 20 })
  const cuts = fc.array(fc.nat(20), { maxLength: 6 })
  fc.assert(
    fc.property(tree, order, cuts, (drawn, keys, cut) => {
      const expected = openAuthority(drawn.store())
      const all = drawn.aums().slice(1)

      // In one batch: any order at all.
      const atOnce = drawn.open('G')
      assertSame(
        {
          ...atOnce,
          authority: informAuthority(atOnce.authority, atOnce.store, shuffled(all, keys)),
        },
        expected,
      )

      // In several: each has to know its parents, so by height, and shuffled among equals.
      const heightOf = (one: Aum): number => depthOf(drawn, drawn.names([one])[0] ?? '')
      const layered = shuffled(all, keys).sort((a, b) => heightOf(a) - heightOf(b))
      const bit: Side = drawn.open('G')
      for (const batch of batchesOf(layered, cut)) {
        bit.authority = informAuthority(bit.authority, bit.store, batch)
        assertSame(bit, openAuthority(bit.store))
      }
      assertSame(bit, expected)
      assertSame(bit, openAuthority(drawn.store(), { officialLimits: true }))
    }),
    { numRuns: 60 },
  )
})

test('with names of one update joined, any order of delivery gives the same head, too', () => {
  const order = fc.array(fc.nat(), { minLength: 1, maxLength: 20 })
  const followed = fc.array(fc.boolean(), { minLength: 14, maxLength: 14 })
  fc.assert(
    fc.property(tree, order, followed, (drawn, keys, isFollowed) => {
      const named = drawn.aums().slice(1)
      const others = named
        .filter(({ signatures }) => (signatures ?? []).length > 1)
        .map((aum) => ({ ...aum, signatures: aum.signatures!.toReversed() }))
      const children = others
        .filter((_, i) => isFollowed[i])
        .map((aum, i) =>
          signAum(
            {
              ...EMPTY_AUM,
              kind: AumKind.NoOp,
              keyId: Uint8Array.of(i),
              prev: aumHashBytes(aumHash(aum)),
            },
            [signerOf('alice')],
          ),
        )
      const all = [...named, ...others, ...children]
      const whole = drawn.open('G')
      const expected = informAuthority(whole.authority, whole.store, all, { joinRenamed: true })
      assertSame({ ...whole, authority: openGuarded(whole.store) }, expected)
      const bit: Side = drawn.open('G')
      const waiting = shuffled(all, keys)
      while (waiting.length > 0) {
        const at = waiting.findIndex((aum) => bit.store.has(aumParent(aum)!))
        const [one] = waiting.splice(at, 1)
        bit.authority = informAuthority(bit.authority, bit.store, [one!], { joinRenamed: true })
        assertSame(bit, openGuarded(bit.store))
      }
      assertSame(bit, expected)
    }),
    { numRuns: 100 },
  )
})

function depthOf(drawn: DrawnChain, name: string): number {
  let depth = 0
  const store = drawn.store()
  for (let at = store.link(drawn.hash(name))?.parent ?? null; at !== null; depth++) {
    at = store.link(at)?.parent ?? null
  }
  return depth
}

test('two members that exchange what is missing once have the same head', () => {
  const part = fc.array(fc.boolean(), { minLength: 14, maxLength: 14 })
  fc.assert(
    fc.property(tree, part, part, (drawn, hasA, hasB) => {
      const [a, b] = [sideWith(drawn, hasA), sideWith(drawn, hasB)]
      const [offerA, offerB] = [syncOffer(a.authority), syncOffer(b.authority)]
      assert.notEqual(syncIntersection(a.authority, a.store, offerB).kind, 'none')
      const forB = missingAums(a.authority, a.store, offerB)
      const forA = missingAums(b.authority, b.store, offerA)
      if (forA.length > 0) a.authority = informAuthority(a.authority, a.store, forA)
      if (forB.length > 0) b.authority = informAuthority(b.authority, b.store, forB)
      assert.equal(a.authority.head, b.authority.head)
    }),
    { numRuns: 60 },
  )
})

/** A member that has heard of some of the updates, each with all before it. */
function sideWith(drawn: DrawnChain, heard: readonly boolean[]): Side {
  const side: Side = drawn.open('G')
  for (const [i, one] of drawn.aums().slice(1).entries()) {
    if (!heard[i]) continue
    try {
      side.authority = informAuthority(side.authority, side.store, [one])
    } catch (error) {
      assert.ok(error instanceof TkaError && error.code === 'unknown-update')
    }
  }
  return side
}

test('compaction changes neither head nor state, and what is left opens', () => {
  const ages = fc.array(fc.boolean(), { minLength: 15, maxLength: 15 })
  fc.assert(
    fc.property(tree, ages, fc.integer({ min: 1, max: 6 }), (drawn, young, minChain) => {
      const entries = drawn.aums().map((one, i) => ({ aum: one, commitTime: young[i] ? 1000 : 0 }))
      const store = createMemoryStore({ now: () => 1000, entries })
      const before = openAuthority(store)
      onlyTkaError(() => compactAuthority(before, store, { now: 1000, minAge: 500, minChain }))
      const after = openAuthority(store)
      assert.equal(after.head, before.head)
      assert.deepEqual(after.state, before.state)
      for (const [i, { aum: one }] of entries.entries()) {
        if (young[i]) assert.ok(store.has(aumHash(one)), 'a young update was forgotten')
      }
    }),
    { numRuns: 80 },
  )
})

test('no stranger’s signature is ever enough', () => {
  fc.assert(
    fc.property(
      fc.subarray(['mallory', 'eve', 'trent'], { minLength: 1 }),
      fc.nat(255),
      (by, kind) => {
        const { authority, store } = net.open('G')
        const prev = Buffer.from(net.hash('G'), 'hex')
        const update = signedAum({ kind, prev, keyId: idOf('mallory') }, ...by)
        assert.throws(() => informAuthority(authority, store, [update]), TkaError)
      },
    ),
    { numRuns: 60 },
  )
})
