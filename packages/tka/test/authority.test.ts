// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drawChain, keyOf, signerOf, stateOf, type DrawnChain } from '@signet/testkit/chain'
import {
  aumHash,
  AumKind,
  bootstrapAuthority,
  createGenesis,
  createMemoryStore,
  decodeAum,
  EMPTY_STATE,
  encodeAum,
  hasKey,
  informAuthority,
  openAuthority,
  signAum,
  stateIdsFromBytes,
  type Aum,
  type AumStore,
  type Authority,
  type TkaErrorCode,
} from '../src/index.ts'
import { refusal } from './support/refuses.ts'
import { aumOf, idOf } from './support/samples.ts'

function emptyStore(): AumStore {
  return createMemoryStore({ now: () => 0 })
}

/** An authority that has the first update, and informs itself of others by name. */
class Member {
  readonly store: AumStore
  readonly net: DrawnChain
  authority: Authority

  constructor(net: DrawnChain, genesis = 'G') {
    this.net = net
    this.store = emptyStore()
    this.authority = bootstrapAuthority(this.store, net.aum(genesis))
  }

  inform(...names: string[]): void {
    this.informOf(this.net.aums(...names))
  }

  informOf(aums: readonly Aum[]): void {
    this.authority = informAuthority(this.authority, this.store, aums)
  }

  get head(): string {
    return this.net.name(this.authority.head)
  }

  get stored(): string[] {
    return this.net.names(this.store.hashes()).sort()
  }

  /** What the store says when it is opened again has to be what informing led to. */
  assertReopens(): void {
    const again = openAuthority(this.store)
    assert.equal(again.head, this.authority.head)
    assert.deepEqual(again.state, this.authority.state)
    assert.equal(again.oldestAncestor, this.authority.oldestAncestor)
    assert.equal(again.chain.length, this.authority.chain.length)
  }

  /** Has to throw, and to change nothing. */
  assertRefuses(code: TkaErrorCode, aums: readonly Aum[]): void {
    const before = { head: this.head, stored: this.stored }
    assert.throws(() => this.informOf(aums), refusal(code))
    assert.deepEqual({ head: this.head, stored: this.stored }, before)
  }
}

describe('createGenesis()', () => {
  const state = stateOf({ alice: 1, bob: 2 })

  test('makes a checkpoint that an authority can start from', () => {
    const genesis = createGenesis(state, [signerOf('alice')])
    const authority = bootstrapAuthority(emptyStore(), genesis)
    assert.equal(authority.head, aumHash(genesis))
    assert.deepEqual(authority.state, { ...state, lastAumHash: aumHash(genesis) })
  })

  const refused: [string, TkaErrorCode, Parameters<typeof createGenesis>][] = [
    ['no signer', 'unsigned', [state, []]],
    ['a signer who is not in the state', 'untrusted-key', [state, [signerOf('carol')]]],
    [
      'such a signer besides a good one',
      'untrusted-key',
      [state, [signerOf('bob'), signerOf('carol')]],
    ],
    ['no keys', 'bad-state', [{ ...state, keys: [] }, [signerOf('alice')]]],
    [
      'no disablement values',
      'bad-state',
      [{ ...state, disablementValues: null }, [signerOf('alice')]],
    ],
    ['nothing', 'bad-state', [EMPTY_STATE, [signerOf('alice')]]],
  ]
  for (const [name, code, args] of refused) {
    test(`refuses ${name}`, () => assert.throws(() => createGenesis(...args), refusal(code)))
  }

  test('stateIdsFromBytes() reads two little-endian numbers', () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => i)
    const ids = stateIdsFromBytes(bytes)
    assert.deepEqual(ids, { stateId1: 0x0706050403020100n, stateId2: 0x0f0e0d0c0b0a0908n })
    assert.throws(() => stateIdsFromBytes(bytes.subarray(1)), refusal('bad-option'))
    assert.throws(() => stateIdsFromBytes(new Uint8Array(17)), refusal('bad-option'))
  })
})

describe('bootstrapAuthority()', () => {
  const net = drawChain('G -> a -> C -> d', { updates: { C: { checkpoint: true } } })

  test('starts from a first update, and remembers it', () => {
    const store = emptyStore()
    const authority = bootstrapAuthority(store, net.aum('G'))
    assert.equal(net.name(authority.head), 'G')
    assert.equal(store.lastActiveAncestor(), net.hash('G'))
    assert.deepEqual(net.names(store.hashes()), ['G'])
  })

  test('Q35: starts from a later checkpoint, and goes on', () => {
    const member = new Member(net, 'C')
    assert.equal(member.head, 'C')
    member.inform('d')
    assert.equal(member.head, 'd')
    assert.deepEqual(member.authority.state, net.state('d'))
    member.assertReopens()
  })

  test('Q35: what is older than the start is refused', () => {
    const member = new Member(net, 'C')
    member.assertRefuses('unknown-update', net.aums('a'))
    member.assertRefuses('no-parent', net.aums('G', 'a'))
  })

  test('Q36: whoever makes the checkpoint is believed: which one to take is not decided here', () => {
    const stranger = createGenesis(stateOf({ mallory: 1 }), [signerOf('mallory')])
    assert.equal(bootstrapAuthority(emptyStore(), stranger).head, aumHash(stranger))
  })

  test('Q59: works in a store that was opened before and had nothing', () => {
    const store = emptyStore()
    assert.throws(() => openAuthority(store), refusal('empty-store'))
    assert.equal(net.name(bootstrapAuthority(store, net.aum('G')).head), 'G')
  })

  test('refuses a store that has anything', () => {
    assert.throws(
      () => bootstrapAuthority(net.store('G'), net.aum('G')),
      refusal('store-not-empty'),
    )
    assert.throws(
      () => bootstrapAuthority(net.store('G'), net.aum('C')),
      refusal('store-not-empty'),
    )
  })

  test('refuses what is no start, and stores nothing', () => {
    const store = emptyStore()
    assert.throws(() => bootstrapAuthority(store, net.aum('a')), refusal('bad-genesis'))
    const unsigned = { ...net.aum('G'), signatures: null }
    assert.throws(() => bootstrapAuthority(store, unsigned), refusal('unsigned'))
    assert.deepEqual([...store.hashes()], [])
    assert.equal(store.lastActiveAncestor(), undefined)
  })
})

describe('informAuthority()', () => {
  const line = drawChain('G -> a -> b -> c')

  test('follows a line', () => {
    const member = new Member(line)
    member.inform('a', 'b', 'c')
    assert.equal(member.head, 'c')
    assert.deepEqual(member.authority.state, line.state('c'))
    member.assertReopens()
  })

  test('is a value: what was there before stays as it was', () => {
    const member = new Member(line)
    const before = member.authority
    member.inform('a', 'b')
    assert.equal(line.name(before.head), 'G')
    assert.equal(before.chain.length, 1)
    assert.equal(line.name(before.chain.head), 'G')
  })

  test('takes updates in any order', () => {
    for (const order of [
      ['c', 'b', 'a'],
      ['b', 'c', 'a'],
      ['c', 'a', 'b', 'a', 'c'],
    ]) {
      const member = new Member(line)
      member.inform(...order)
      assert.equal(member.head, 'c')
      assert.deepEqual(member.stored, ['G', 'a', 'b', 'c'])
      member.assertReopens()
    }
  })

  test('with officialLimits, wants parents first', () => {
    const { store, authority } = new Member(line)
    const reversed = line.aums('b', 'a')
    const inform = (): Authority =>
      informAuthority(authority, store, reversed, { officialLimits: true })
    assert.throws(inform, refusal('unknown-update'))
  })

  test('Q29: skips what is stored already', () => {
    const member = new Member(line)
    member.inform('G', 'a')
    member.inform('G', 'a', 'b', 'c')
    assert.equal(member.head, 'c')
    member.inform('G', 'b')
    assert.equal(member.head, 'c')
    member.assertReopens()
  })

  test('Q29: does not even verify it', () => {
    const member = new Member(line)
    const broken = { ...line.aum('a'), signatures: null }
    member.store.commit([broken])
    member.informOf([broken])
    assert.equal(member.authority.head, aumHash(broken))
  })

  test('Q5: stores the canonical form', () => {
    const member = new Member(line)
    const bytes = encodeAum(line.aum('a'))
    const withUnknown = new Uint8Array([
      (bytes[0] ?? 0) + 1,
      ...bytes.subarray(1),
      0x18,
      0x63,
      0x05,
    ])
    member.informOf([decodeAum(withUnknown)])
    const kept = member.store.get(line.hash('a'))
    assert.deepEqual(kept && encodeAum(kept), bytes)
  })

  test('moves the head back when a heavier sibling comes', () => {
    const net = drawChain(
      `
        G -> a -> b -> c -> d
             a -> x -> y
      `,
      { keys: { alice: 1, bob: 2 }, updates: { x: { by: ['bob'] } } },
    )
    const member = new Member(net)
    member.inform('a', 'b', 'c', 'd')
    member.inform('x')
    assert.equal(member.head, 'x')
    member.assertReopens()
    member.inform('y')
    assert.equal(member.head, 'y')
    member.assertReopens()
  })

  test('keeps an update on a losing branch, and stays where it is', () => {
    const net = drawChain(
      `
        G -> a -> b
             a -> x -> y
      `,
      { keys: { alice: 2, bob: 1 }, updates: { x: { by: ['bob'] } } },
    )
    const member = new Member(net)
    member.inform('a', 'b')
    member.inform('x', 'y')
    assert.equal(member.head, 'b')
    assert.deepEqual(member.stored, ['G', 'a', 'b', 'x', 'y'])
    member.assertReopens()
  })

  test('lets updates grow on a losing branch that wins later', () => {
    const net = drawChain(
      `
        G -> a -> b -> c
             a -> x -> y
        G -> z
      `,
      { keys: { alice: 2, bob: 1 }, updates: { x: { by: ['bob'] }, z: { by: ['alice', 'bob'] } } },
    )
    const member = new Member(net)
    member.inform('a', 'x', 'b', 'y', 'c')
    assert.equal(member.head, 'c')
    member.inform('z')
    assert.equal(member.head, 'z')
    member.assertReopens()
  })

  test('of several places where another child wins, the oldest decides', () => {
    const net = drawChain(
      `
        G -> a -> b -> c
                  b -> y
             a -> x
      `,
      { keys: { alice: 1, bob: 2 }, updates: { x: { by: ['bob'] }, y: { by: ['bob'] } } },
    )
    for (const order of [
      ['x', 'y'],
      ['y', 'x'],
    ]) {
      const member = new Member(net)
      member.inform('a', 'b', 'c')
      member.inform(...order)
      assert.equal(member.head, 'x')
      member.assertReopens()
    }
  })

  test('Q28: all or nothing, wherever the bad one is', () => {
    const net = drawChain('G -> a -> b -> bad', { updates: { bad: { by: ['mallory'] } } })
    const member = new Member(net)
    member.assertRefuses('untrusted-key', net.aums('a', 'b', 'bad'))
    member.assertRefuses('untrusted-key', net.aums('bad', 'a', 'b'))
    member.inform('a', 'b')
    member.assertRefuses('untrusted-key', net.aums('bad'))
    assert.equal(member.head, 'b')
  })

  test('Q28: nothing if the store fails', () => {
    const { store, authority } = new Member(line)
    const failing: AumStore = {
      ...store,
      commit() {
        throw new Error('no space left on device')
      },
    }
    assert.throws(() => informAuthority(authority, failing, line.aums('a')), /no space/)
    assert.deepEqual([...store.hashes()], [line.hash('G')])
  })

  test('a key that was removed cannot sign any more, nor one that is added later', () => {
    const net = drawChain('G -> r -> late', {
      keys: { alice: 1, bob: 1 },
      updates: { r: { removes: 'bob' }, late: { by: ['bob'] } },
    })
    const member = new Member(net)
    member.assertRefuses('untrusted-key', net.aums('r', 'late'))
    const early = drawChain('G -> e -> f', { updates: { e: { by: ['bob'] }, f: { adds: 'bob' } } })
    new Member(early).assertRefuses('untrusted-key', early.aums('e', 'f'))
  })

  test('Q30: a key counts from the update on that adds it', () => {
    const net = drawChain('G -> a -> b', { updates: { a: { adds: 'bob' }, b: { by: ['bob'] } } })
    const member = new Member(net)
    member.inform('a', 'b')
    assert.equal(member.head, 'b')
  })

  test('Q19: one light key may replace everything at the head', () => {
    const net = drawChain('G -> coup', {
      keys: { alice: 1, bob: 4096, carol: 4096 },
      updates: {
        coup: {
          resets: (state) => ({
            ...state,
            keys: [keyOf('alice')],
            disablementValues: [new Uint8Array(32)],
          }),
        },
      },
    })
    const member = new Member(net)
    member.inform('coup')
    assert.equal(member.head, 'coup')
    assert.equal(hasKey(member.authority.state, idOf('bob')), false)
    assert.deepEqual(member.authority.state.disablementValues, [new Uint8Array(32)])
  })

  test('Q20: but not what the authority is called', () => {
    const net = drawChain('G -> a', { updates: { a: { fields: {} } } })
    const member = new Member(net)
    const state = stateOf({ alice: 1 }, 99n)
    const other = signAum(
      aumOf({ kind: AumKind.Checkpoint, state, prev: Buffer.from(net.hash('G'), 'hex') }),
      [signerOf('alice')],
    )
    member.assertRefuses('wrong-state-id', [other])
  })

  test('Q21: goes on over a kind from the future', () => {
    const net = drawChain('G -> f -> a', {
      updates: { f: { fields: { kind: 6, votes: 1n } }, a: { adds: 'bob' } },
    })
    const member = new Member(net)
    member.inform('f', 'a')
    assert.equal(member.head, 'a')
    assert.equal(hasKey(member.authority.state, idOf('bob')), true)
  })

  const refused: [string, TkaErrorCode, () => Aum[]][] = [
    ['nothing', 'empty-batch', () => []],
    [
      'a first update that is not stored',
      'no-parent',
      () => drawChain('P', { keys: { bob: 1 } }).aums(),
    ],
    ['an update whose parent nobody knows', 'unknown-update', () => line.aums('b')],
    ['an update without signature', 'unsigned', () => [{ ...line.aum('a'), signatures: null }]],
    ['an update with a changed signature', 'bad-signature', () => [resigned(line.aum('a'))]],
  ]
  for (const [name, code, make] of refused) {
    test(`refuses ${name}`, () => new Member(line).assertRefuses(code, make()))
  }

  function resigned(aum: Aum): Aum {
    const [one] = signAum(aumOf(), [signerOf('alice')]).signatures ?? []
    return { ...aum, signatures: one ? [one] : [] }
  }

  test('Q23: refuses to remove the last key', () => {
    const net = drawChain('G -> r', { updates: { r: { removes: 'alice' } } })
    new Member(net).assertRefuses('last-key', net.aums('r'))
  })

  test('Q33: a chain may grow past what official software opens', () => {
    const net = drawChain('G -> n1..n2003')
    const store = net.store('G', 'n1..n1998')
    let authority = openAuthority(store, { officialLimits: true })
    for (const batch of [
      ['n1999', 'n2000', 'n2001'],
      ['n2002', 'n2003'],
    ]) {
      authority = informAuthority(authority, store, net.aums(...batch), { officialLimits: true })
    }
    assert.equal(net.name(authority.head), 'n2003')
    assert.throws(() => openAuthority(store, { officialLimits: true }), refusal('official-limit'))
    assert.equal(net.name(openAuthority(store).head), 'n2003')
  })

  test('a lost parent that comes back joins its chain again', () => {
    const net = drawChain('G -> a -> C -> d', { updates: { C: { checkpoint: true } } })
    const store = net.store('G', 'C', 'd')
    store.setLastActiveAncestor(net.hash('C'))
    const authority = openAuthority(store)
    assert.equal(net.name(authority.oldestAncestor), 'C')
    const joined = informAuthority(authority, store, net.aums('a'))
    assert.equal(net.name(joined.oldestAncestor), 'G')
    assert.equal(net.name(joined.head), 'd')
    assert.equal(joined.chain.length, 4)
  })
})
