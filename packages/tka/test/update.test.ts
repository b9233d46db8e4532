// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drawChain, keyOf, signerOf, stateOf, type DrawnChain } from '@signet/testkit/chain'
import {
  AumKind,
  aumKindText,
  bootstrapAuthority,
  CHECKPOINT_EVERY,
  createGenesis,
  createMemoryStore,
  createUpdateBuilder,
  hasKey,
  informAuthority,
  MAX_KEYS,
  type Aum,
  type Authority,
  type TkaErrorCode,
  type UpdateBuilder,
} from '../src/index.ts'
import { refusal } from './support/refuses.ts'
import { idOf, keyWithMeta } from './support/samples.ts'

const alice = signerOf('alice')

function builderOf(
  net: DrawnChain,
  ...names: string[]
): { authority: Authority; builder: UpdateBuilder } {
  const { authority } = net.open(...names)
  return { authority, builder: createUpdateBuilder(authority, [alice]) }
}

function kinds(aums: readonly Aum[]): string[] {
  return aums.map((aum) => aumKindText(aum.kind))
}

describe('createUpdateBuilder()', () => {
  const net = drawChain('G -> a', { keys: { alice: 1, bob: 2 } })

  test('makes signed updates, each after the one before, that the authority takes', () => {
    const { authority, store } = net.open()
    const builder = createUpdateBuilder(authority, [alice])
    builder.addKey(keyWithMeta('carol', { name: 'phone' }))
    builder.setKeyVotes(idOf('carol'), 7n)
    builder.setKeyMeta(idOf('bob'), new Map([['name', 'tower']]))
    builder.removeKey(idOf('carol'))
    const aums = builder.finish()
    assert.deepEqual(kinds(aums), ['add-key', 'update-key', 'update-key', 'remove-key'])
    const after = informAuthority(authority, store, aums)
    assert.equal(hasKey(after.state, idOf('carol')), false)
    assert.deepEqual(after.state.keys?.[1]?.meta, new Map([['name', 'tower']]))
  })

  test('signs with every signer', () => {
    const builder = createUpdateBuilder(net.open().authority, [alice, signerOf('bob')])
    builder.addKey(keyOf('carol'))
    assert.equal(builder.finish()[0]?.signatures?.length, 2)
  })

  test('makes drafts without a signer', () => {
    const builder = createUpdateBuilder(net.open().authority, [])
    builder.addKey(keyOf('carol'))
    assert.equal(builder.finish()[0]?.signatures, null)
  })

  test('of nothing makes nothing', () => {
    assert.deepEqual(builderOf(net).builder.finish(), [])
  })

  test('a refused change leaves what was built', () => {
    const { builder } = builderOf(net)
    builder.addKey(keyOf('carol'))
    assert.throws(() => builder.addKey(keyOf('carol')), refusal('key-exists'))
    builder.removeKey(idOf('bob'))
    assert.deepEqual(kinds(builder.finish()), ['add-key', 'remove-key'])
  })

  const refused: [string, TkaErrorCode, (builder: UpdateBuilder) => void][] = [
    ['a key that is trusted', 'key-exists', (b) => b.addKey(keyOf('bob', 9))],
    ['a key without votes', 'bad-votes', (b) => b.addKey(keyOf('carol', 0))],
    ['a key with 4097 votes', 'bad-votes', (b) => b.addKey(keyOf('carol', 4097))],
    ['a key of unknown kind', 'unknown-key-kind', (b) => b.addKey({ ...keyOf('carol'), kind: 2 })],
    [
      'a key with 513 bytes of metadata',
      'meta-too-big',
      (b) => b.addKey(keyWithMeta('carol', { '': 'x'.repeat(513) })),
    ],
    ['to remove who is not there', 'unknown-key', (b) => b.removeKey(idOf('carol'))],
    ['votes of who is not there', 'unknown-key', (b) => b.setKeyVotes(idOf('carol'), 1n)],
    ['zero votes', 'bad-votes', (b) => b.setKeyVotes(idOf('bob'), 0n)],
    ['4097 votes', 'bad-votes', (b) => b.setKeyVotes(idOf('bob'), 4097n)],
    ['metadata of who is not there', 'unknown-key', (b) => b.setKeyMeta(idOf('carol'), new Map())],
    ['no metadata', 'missing-field', (b) => b.setKeyMeta(idOf('bob'), null)],
    [
      '513 bytes of metadata',
      'meta-too-big',
      (b) => b.setKeyMeta(idOf('bob'), new Map([['', 'x'.repeat(513)]])),
    ],
  ]
  for (const [name, code, change] of refused) {
    test(`refuses ${name}`, () =>
      assert.throws(() => change(builderOf(net).builder), refusal(code)))
  }

  test('asks nobody to sign what is refused', () => {
    let asked = 0
    const signer = { ...alice, sign: (digest: Uint8Array) => (asked++, alice.sign(digest)) }
    for (const [, code, change] of refused) {
      const builder = createUpdateBuilder(net.open().authority, [signer])
      assert.throws(() => change(builder), refusal(code))
    }
    assert.equal(asked, 0)
  })

  test('Q22: takes the 512th key, and refuses the 513th', () => {
    const keys = Object.fromEntries(Array.from({ length: MAX_KEYS - 1 }, (_, i) => [`k${i}`, 1]))
    const genesis = createGenesis(stateOf(keys), [signerOf('k0')])
    const authority = bootstrapAuthority(createMemoryStore({ now: () => 0 }), genesis)
    const builder = createUpdateBuilder(authority, [signerOf('k0')])
    builder.addKey(keyOf('last'))
    assert.throws(() => builder.addKey(keyOf('one more')), refusal('too-many-keys'))
    assert.throws(() => builder.addKey(keyOf('last')), refusal('key-exists'))
  })

  test('Q23: lets the last key be removed, which verification refuses', () => {
    const alone = drawChain('G').open()
    const builder = createUpdateBuilder(alone.authority, [alice])
    builder.removeKey(idOf('alice'))
    const aums = builder.finish()
    assert.throws(() => informAuthority(alone.authority, alone.store, aums), refusal('last-key'))
  })
})

describe('finish() adds a checkpoint', () => {
  /** Stored updates behind the checkpoint, changes on top, and whether a checkpoint follows. */
  const cadence: [number, number, boolean][] = [
    [0, 1, false],
    [47, 2, false],
    [48, 1, false],
    [48, 2, true],
    [49, 1, true],
    [49, 0, false],
    [50, 0, true],
    [120, 1, true],
    [0, CHECKPOINT_EVERY - 1, false],
    [0, CHECKPOINT_EVERY, true],
    [0, CHECKPOINT_EVERY + 1, true],
  ]
  for (const [stored, changes, isDue] of cadence) {
    const verdict = isDue ? 'yes' : 'no'
    test(`Q37: ${stored} updates behind the last one, ${changes} changes: ${verdict}`, () => {
      const net = drawChain(`G -> n0 -> n1..n200`, {
        updates: { n0: { checkpoint: true } },
        isUnsigned: true,
      })
      const names = stored > 0 ? ['G', 'n0', `n1..n${stored}`] : ['G', 'n0']
      const { authority, store } = net.open(...names)
      const builder = createUpdateBuilder(authority, [alice])
      for (let i = 0; i < changes; i++) builder.addKey(keyOf(`key ${i}`))
      const aums = builder.finish()
      assert.equal(aums.length, changes + (isDue ? 1 : 0))
      assert.equal(aums.at(-1)?.kind === AumKind.Checkpoint, isDue)
      if (aums.length === 0) return
      const after = informAuthority(authority, store, aums)
      assert.equal(after.state.keys?.length, 1 + changes)
    })
  }

  test('Q37: none if the chain is shorter than that', () => {
    // 49 updates, the first of which has no parent and is no checkpoint either.
    const short = drawChain('G -> n1..n49', { isUnsigned: true })
    const { authority } = short.open()
    const builder = createUpdateBuilder(authority, [alice])
    builder.addKey(keyOf('bob'))
    assert.deepEqual(kinds(builder.finish()), ['add-key', 'checkpoint'])
    const shorter = short.open('G', 'n1..n48')
    const other = createUpdateBuilder(shorter.authority, [alice])
    other.addKey(keyOf('bob'))
    assert.deepEqual(kinds(other.finish()), ['add-key'])
  })
})

describe('finish() when the head has moved', () => {
  const net = drawChain('G -> a -> b')

  test('refuses', () => {
    const { authority, store } = net.open('G', 'a')
    const builder = createUpdateBuilder(authority, [alice])
    builder.addKey(keyOf('bob'))
    const moved = informAuthority(authority, store, net.aums('b'))
    assert.throws(() => builder.finish(moved), refusal('head-moved'))
    assert.deepEqual(kinds(builder.finish(authority)), ['add-key'])
  })

  test('does not mind if there is nothing to finish', () => {
    const { authority, store } = net.open('G', 'a')
    const builder = createUpdateBuilder(authority, [alice])
    assert.deepEqual(builder.finish(informAuthority(authority, store, net.aums('b'))), [])
  })

  test('refuses a lone checkpoint', () => {
    const long = drawChain('G -> n1..n51')
    const { authority, store } = long.open('G', 'n1..n50')
    const builder = createUpdateBuilder(authority, [alice])
    const moved = informAuthority(authority, store, long.aums('n51'))
    assert.throws(() => builder.finish(moved), refusal('head-moved'))
  })
})
