// SPDX-License-Identifier: Apache-2.0

/** A thief has a key. The others take back what was done with it. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drawChain, signerOf, type DrawingOptions } from '@signet/testkit/chain'
import {
  aumHash,
  aumHashBytes,
  aumParent,
  cosignAum,
  decodeAum,
  encodeAum,
  hasKey,
  informAuthority,
  makeRecoveryAum,
  recoveryStanding,
  type AumHash,
  type TkaErrorCode,
} from '../src/index.ts'
import { refusal } from './support/refuses.ts'
import { idOf, SOME_HASH } from './support/samples.ts'

const keys = { alice: 1, bob: 1, thief: 2 }
const byThief = { by: ['thief'] }

describe('makeRecoveryAum()', () => {
  const net = drawChain('G -> a -> e -> x', {
    keys,
    updates: { a: { adds: 'carol' }, e: { adds: 'eve', by: ['thief'] }, x: { by: ['eve'] } },
  })
  const { authority, store } = net.open()

  function draftOf(
    removed: readonly string[],
    our = 'alice',
    forkFrom?: AumHash,
  ): ReturnType<typeof makeRecoveryAum> {
    const removeKeys = removed.map(idOf)
    const options = { removeKeys, ourKey: idOf(our) }
    return makeRecoveryAum(authority, store, forkFrom ? { ...options, forkFrom } : options)
  }

  function parentOf(aum: ReturnType<typeof draftOf>): string {
    const parent = aumParent(aum)
    return parent ? net.name(parent) : 'none'
  }

  test('goes back to before the key was trusted', () => {
    const draft = draftOf(['eve'])
    assert.equal(parentOf(draft), 'a')
    assert.deepEqual(
      draft.state?.keys?.map((key) => key.public),
      ['alice', 'bob', 'thief', 'carol'].map(idOf),
    )
    assert.equal(draft.state?.lastAumHash, null)
    assert.equal(draft.signatures, null)
  })

  test('goes back to the oldest update if the key was always trusted', () => {
    assert.equal(parentOf(draftOf(['thief'])), 'G')
    assert.equal(parentOf(draftOf(['thief', 'eve'])), 'G')
  })

  test('does not go back to before our own key was trusted', () => {
    assert.equal(parentOf(draftOf(['eve'], 'carol')), 'a')
    assert.equal(parentOf(draftOf(['eve'], 'mallory')), 'G')
  })

  test('goes where it is told', () => {
    assert.equal(parentOf(draftOf(['eve'], 'alice', net.hash('G'))), 'G')
    assert.equal(draftOf(['mallory'], 'alice', SOME_HASH).state?.keys?.length, 5)
  })

  const refused: [string, TkaErrorCode, string[]][] = [
    ['keys that nobody trusts', 'untrusted-key', ['mallory']],
    ['no keys', 'untrusted-key', []],
    ['every key', 'revokes-all-keys', ['alice', 'bob', 'carol', 'thief', 'eve']],
  ]
  for (const [name, code, removed] of refused) {
    test(`refuses to revoke ${name}`, () => assert.throws(() => draftOf(removed), refusal(code)))
  }

  test('Q22: refuses while more keys would be left than a checkpoint holds', () => {
    const names = Array.from({ length: 514 }, (_, i) => `key ${i}`)
    const full = drawChain('G', { keys: Object.fromEntries(names.map((name) => [name, 1])) }).open()
    const revoke = (count: number): unknown =>
      makeRecoveryAum(full.authority, full.store, {
        removeKeys: names.slice(0, count).map(idOf),
        ourKey: idOf('key 513'),
      })
    assert.throws(() => revoke(1), refusal('bad-state'))
    revoke(2)
  })

  test('after a key that is unknown, as long as one is trusted', () => {
    assert.equal(parentOf(draftOf(['mallory', 'eve'])), 'a')
  })

  test('nothing is quadratic: a thousand updates back', () => {
    const long = drawChain('G -> n1..n1000', { keys, isUnsigned: true })
    const side = long.open()
    let reads = 0
    const counting = { ...side.store, get: (hash: AumHash) => (reads++, side.store.get(hash)) }
    const options = { removeKeys: [idOf('thief')], ourKey: idOf('alice') }
    const draft = makeRecoveryAum(side.authority, counting, options)
    assert.equal(aumParent(draft), long.hash('G'))
    assert.ok(reads < 5000, `${reads} reads`)
  })
})

describe('a revocation', () => {
  const picture = 'G -> a -> e -> x'
  const options: DrawingOptions = {
    keys,
    updates: { e: { adds: 'eve', by: ['thief'] }, x: byThief },
  }
  const net = drawChain(picture, options)

  function drafted(): ReturnType<typeof makeRecoveryAum> {
    const { authority, store } = net.open()
    const draft = makeRecoveryAum(authority, store, {
      removeKeys: [idOf('thief'), idOf('eve')],
      ourKey: idOf('alice'),
      forkFrom: net.hash('a'),
    })
    return draft
  }

  test('passes from hand to hand as bytes, and wins when it is heavy enough', () => {
    const { authority, store } = net.open()
    const first = cosignAum(drafted(), signerOf('alice'))
    assert.deepEqual(recoveryStanding(authority, store, first), {
      weight: 1n,
      opposing: 2n,
      wins: false,
    })

    const received = decodeAum(encodeAum(first))
    const second = cosignAum(received, signerOf('bob'))
    const standing = recoveryStanding(authority, store, second)
    assert.equal(standing.weight, 2n)
    assert.equal(standing.wins, aumHash(second) < net.hash('e'))
  })

  test('undoes what the thief did, on every member that hears of it', () => {
    const heavier = drawChain(picture, { ...options, keys: { alice: 2, bob: 1, thief: 2 } })
    const { authority, store } = heavier.open()
    const draft = makeRecoveryAum(authority, store, {
      removeKeys: [idOf('thief'), idOf('eve')],
      ourKey: idOf('alice'),
      forkFrom: heavier.hash('a'),
    })
    const final = cosignAum(cosignAum(draft, signerOf('alice')), signerOf('bob'))
    assert.equal(recoveryStanding(authority, store, final).wins, true)
    const after = informAuthority(authority, store, [final])
    assert.equal(after.head, aumHash(final))
    assert.equal(hasKey(after.state, idOf('eve')), false)
    assert.equal(hasKey(after.state, idOf('thief')), false)
    assert.equal(hasKey(after.state, idOf('bob')), true)
    const answer = drawChain('G -> a -> e -> x -> y', {
      ...options,
      keys: { alice: 2, bob: 1, thief: 2 },
    })
    const still = informAuthority(after, store, answer.aums('y'))
    assert.equal(still.head, after.head)
  })

  test('that is too light stays on a losing branch', () => {
    const { authority, store } = net.open()
    const light = cosignAum(drafted(), signerOf('alice'))
    const after = informAuthority(authority, store, [light])
    assert.equal(after.head, authority.head)
    assert.equal(store.has(aumHash(light)), true)
  })

  test('behind the head has nothing against it', () => {
    const { authority, store } = net.open()
    const atHead = { ...drafted(), prev: aumHashBytes(authority.head) }
    const standing = recoveryStanding(authority, store, cosignAum(atHead, signerOf('alice')))
    assert.deepEqual(standing, { weight: 1n, opposing: null, wins: true })
  })

  test('cannot be weighed where its parent is not known', () => {
    const { authority, store } = net.open()
    const lost = { ...drafted(), prev: new Uint8Array(32) }
    assert.throws(() => recoveryStanding(authority, store, lost), refusal('unknown-update'))
    const rootless = { ...drafted(), prev: null }
    assert.throws(() => recoveryStanding(authority, store, rootless), refusal('unknown-update'))
  })

  test('is not signed twice by one key', () => {
    const once = cosignAum(drafted(), signerOf('alice'))
    assert.throws(() => cosignAum(once, signerOf('alice')), refusal('already-signed'))
  })

  test('cannot be taken by who has forgotten where it branches off', () => {
    const later = drawChain('G -> a -> e -> C -> x', {
      ...options,
      updates: { ...options.updates, C: { checkpoint: true } },
    })
    const { authority, store } = later.open('C', 'x')
    const final = cosignAum(drafted(), signerOf('alice'))
    assert.throws(() => informAuthority(authority, store, [final]), refusal('unknown-update'))
  })
})
