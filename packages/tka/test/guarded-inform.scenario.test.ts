// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { drawChain, signerOf, type DrawnChain, type DrawnUpdate } from '@signet/testkit/chain'
import {
  aumHash,
  aumHashBytes,
  AumKind,
  cosignAum,
  createMemoryStore,
  EMPTY_AUM,
  informAuthority,
  informGuarded,
  openAuthority,
  openGuarded,
  signAum,
  type Aum,
  type Authority,
  type AumStore,
  type State,
} from '../src/index.ts'
import { refusal } from './support/refuses.ts'

const keys = { alice: 1, bob: 1, carol: 1, thief: 1 }

interface Member {
  authority: Authority
  readonly store: AumStore
}

/** A member that has these updates of a drawing. */
function member(net: DrawnChain, ...names: readonly string[]): Member {
  const store = net.store(...names)
  return { store, authority: openGuarded(store) }
}

function take(to: Member, ...aums: readonly Aum[]): void {
  to.authority = informGuarded(to.authority, to.store, aums)
  assert.equal(openGuarded(to.store).head, to.authority.head, 'opened again, it is elsewhere')
}

/** Refused, and nothing has changed; official fork choice would have moved. */
function refuses(to: Member, code: Parameters<typeof refusal>[0], ...aums: readonly Aum[]): void {
  const { head } = to.authority
  const entries = [...to.store.hashes()].map((hash) => ({
    aum: to.store.get(hash)!,
    commitTime: 0,
  }))
  assert.throws(() => informGuarded(to.authority, to.store, aums), refusal(code))
  assert.equal([...to.store.hashes()].length, entries.length, 'a refused update is stored')
  assert.equal(openGuarded(to.store).head, head)
  const copy = createMemoryStore({ now: () => 0, entries })
  assert.notEqual(informAuthority(openAuthority(copy), copy, aums).head, head)
}

const removal = { removes: 'thief' }

function without(name: string) {
  const { keyId } = signerOf(name)
  return (state: State): State => ({
    ...state,
    keys: state.keys!.filter((key) => Buffer.compare(key.public!, keyId) !== 0),
  })
}

/** `b` has two signatures in the order with the higher hash; the other name of it has the lower one. */
function cosigned(b: DrawnUpdate = { adds: 'erin' }): { net: DrawnChain; other: Aum } {
  for (const by of [
    ['alice', 'bob'],
    ['bob', 'alice'],
  ]) {
    const net = drawChain('G -> a -> b -> removal -> d', {
      keys,
      updates: { b: { ...b, by }, removal },
    })
    const other = { ...net.aum('b'), signatures: net.aum('b').signatures!.toReversed() }
    if (aumHash(other) < net.hash('b')) return { net, other }
  }
  throw new Error('one of two hashes is lower')
}

function after(aum: Aum, by: string, fields: Partial<Aum> = {}): Aum {
  const draft = { ...EMPTY_AUM, kind: AumKind.NoOp, ...fields, prev: aumHashBytes(aumHash(aum)) }
  return signAum(draft, [signerOf(by)])
}

describe('informGuarded() and keys that were removed', () => {
  const net = drawChain(
    `G -> a -> b -> removal -> d -> e
         a -> x -> y
         a -> heavy
         a -> both
         a -> recovery -> f`,
    {
      keys,
      updates: {
        removal,
        x: { by: ['thief'] },
        y: { by: ['thief'] },
        heavy: { by: ['thief', 'carol'] },
        both: { by: ['bob', 'carol'] },
        recovery: { by: ['bob', 'thief'], resets: without('alice') },
        f: { by: ['bob'] },
      },
      hashOrder: ['x', 'b'],
    },
  )

  it('refuses an old sibling by one', () => {
    refuses(member(net, 'G', 'a', 'b', 'removal', 'd'), 'removed-signer', net.aum('x'))
    refuses(member(net, 'G', 'a', 'b', 'removal', 'd'), 'removed-signer', ...net.aums('x', 'y'))
    refuses(member(net, 'G', 'a', 'b', 'removal', 'd'), 'removed-signer', ...net.aums('x', 'e'))
  })

  it('refuses it with the vote of somebody else, whatever that was for', () => {
    refuses(member(net, 'G', 'a', 'b', 'removal', 'd'), 'removed-signer', net.aum('heavy'))
  })

  it('refuses a known update to which one added its vote', () => {
    const heavier = cosignAum(net.aum('b'), signerOf('thief'))
    refuses(member(net, 'G', 'a', 'b', 'removal', 'd'), 'renamed-update', heavier)
  })

  it('follows a recovery that has the votes, signed by removed keys or not', () => {
    const node = member(net, 'G', 'a', 'b', 'removal', 'd')
    take(node, ...net.aums('recovery', 'f'))
    assert.equal(net.name(node.authority.head), 'f')
  })

  it('follows what outweighs history by keys that are trusted', () => {
    const node = member(net, 'G', 'a', 'b', 'removal', 'd')
    take(node, net.aum('both'))
    assert.equal(net.name(node.authority.head), 'both')
  })

  it('cannot know of a removal that was kept from it, until a recovery brings all together', () => {
    const late = member(net, 'G', 'a')
    take(late, net.aum('x'))
    assert.equal(net.name(late.authority.head), 'x')
    take(late, ...net.aums('b', 'removal', 'd'))
    assert.equal(net.name(late.authority.head), 'x', 'official fork choice, as ever')
    take(late, net.aum('recovery'))
    assert.equal(net.name(late.authority.head), 'recovery')
  })
})

describe('informGuarded() and two admins at once', () => {
  const net = drawChain(
    `G -> a -> x -> y
         a -> b -> c`,
    { keys, updates: { x: { by: ['bob'] }, y: { by: ['bob'] } }, hashOrder: ['x', 'b'] },
  )

  for (const [first, second] of [
    [
      ['x', 'y'],
      ['b', 'c'],
    ],
    [
      ['b', 'c'],
      ['x', 'y'],
    ],
    [
      ['x', 'b'],
      ['c', 'y'],
    ],
  ] as const) {
    it(`ends with the same whether ${first.join(', ')} or ${second.join(', ')} came first`, () => {
      const node = member(net, 'G', 'a')
      take(node, ...net.aums(...first))
      take(node, ...net.aums(...second))
      assert.equal(net.name(node.authority.head), 'y')
    })
  }
})

describe('informGuarded() and other names of a known update', () => {
  it('refuses one key twice, also where nothing is undone', () => {
    const net = drawChain('G -> a -> b')
    const [signature] = net.aum('b').signatures!
    const twice = { ...net.aum('b'), signatures: [signature!, signature!] }
    for (const node of [member(net, 'G', 'a', 'b'), member(net, 'G', 'a')]) {
      assert.throws(
        () => informGuarded(node.authority, node.store, [twice]),
        refusal('repeated-signature'),
      )
    }
  })

  it('refuses signatures turned around or left out, with nothing after them', () => {
    const { net, other } = cosigned()
    refuses(member(net), 'renamed-update', other)
    refuses(member(net, 'G', 'a', 'b'), 'renamed-update', other)
    const node = member(net)
    const [one] = net.aum('b').signatures!
    assert.throws(
      () => informGuarded(node.authority, node.store, [{ ...net.aum('b'), signatures: [one!] }]),
      refusal('renamed-update'),
    )
  })

  it('refuses one with an update after it by a removed key', () => {
    const { net, other } = cosigned()
    const remove = { kind: AumKind.RemoveKey, keyId: signerOf('alice').keyId }
    refuses(member(net), 'removed-signer', other, after(other, 'thief', remove))
  })

  it('comes back from another name that it was given alone', () => {
    const { net, other } = cosigned()
    const misled = member(net, 'G', 'a')
    take(misled, other)
    assert.equal(misled.authority.head, aumHash(other))
    assert.throws(
      () => informGuarded(misled.authority, misled.store, [net.aum('b')]),
      refusal('renamed-update'),
    )
    take(misled, ...net.aums('b', 'removal', 'd'))
    assert.equal(net.name(misled.authority.head), 'd')
  })

  it('comes back piece by piece, too', () => {
    const { net, other } = cosigned()
    const misled = member(net, 'G', 'a')
    take(misled, other)
    take(misled, ...net.aums('b', 'removal'))
    take(misled, net.aum('d'))
    assert.equal(net.name(misled.authority.head), 'd')
  })

  it('lets admins who were shown two names race like any others', () => {
    const { net, other } = cosigned({ adds: 'erin' })
    const change = after(other, 'bob', { keyId: new Uint8Array([1]) })
    const [left, right] = [member(net, 'G', 'a', 'b', 'removal', 'd'), member(net, 'G', 'a')]
    take(right, other, change)
    take(left, other, change)
    take(right, ...net.aums('b', 'removal', 'd'))
    assert.equal(left.authority.head, right.authority.head)
    assert.equal(net.name(left.authority.head), 'd', 'the removal wins over the no-op')
  })

  it('takes more signatures for the head, and for what follows while all of them are trusted', () => {
    const { net } = cosigned()
    const more = cosignAum(net.aum('b'), signerOf('carol'))
    const node = member(net, 'G', 'a', 'b')
    take(node, more)
    assert.equal(node.authority.head, aumHash(more))
    const further = member(net)
    take(further, more)
    assert.equal(further.authority.head, aumHash(more))
  })
})
