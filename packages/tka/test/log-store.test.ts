// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drawChain } from '@signet/testkit/chain'
import {
  aumHash,
  bootstrapAuthority,
  createLogStore,
  decodeAum,
  encodeAum,
  informAuthority,
  openAuthority,
  openLogStore,
  type AumStore,
} from '../src/index.ts'
import { hashOfCanonicalAum } from '../src/aum-codec.ts'
import { encodeLog, encodeRecord } from '../src/log-format.ts'
import { memoryFile, type MemoryFile } from './support/memory-files.ts'
import { refusal } from './support/refuses.ts'
import { idOf } from './support/samples.ts'

const options = { now: () => 1000 }
const net = drawChain('G -> a -> b -> c')

function names(store: AumStore): string[] {
  return net.names(store.hashes())
}

function filled(...updates: string[]): { file: MemoryFile; store: AumStore } {
  const file = memoryFile()
  const store = createLogStore(file, options)
  store.commit(net.aums(...updates))
  return { file, store }
}

function reopened(file: MemoryFile): string[] {
  return names(openLogStore(memoryFile(file.bytes), options))
}

describe('createLogStore()', () => {
  test('makes a file that opens, before anything is committed', () => {
    const file = memoryFile()
    createLogStore(file, options)
    assert.deepEqual(reopened(file), [])
  })

  test('refuses a file that exists, whatever is in it', () => {
    for (const bytes of [new Uint8Array(0), filled('G').file.bytes]) {
      const file = memoryFile(bytes)
      assert.throws(() => createLogStore(file, options), refusal('store-not-empty'))
      assert.deepEqual(file.bytes, bytes)
    }
  })

  test('says so if it cannot', () => {
    const file = memoryFile()
    file.failReplace = true
    assert.throws(() => createLogStore(file, options), refusal('store-write'))
    assert.equal(file.bytes, null)
  })
})

describe('openLogStore()', () => {
  test('Q58: refuses a file that does not exist: nothing is not the same as empty', () => {
    assert.throws(() => openLogStore(memoryFile(), options), refusal('store-missing'))
  })

  test('Q58: refuses an empty file, and a damaged one', () => {
    assert.throws(
      () => openLogStore(memoryFile(new Uint8Array(0)), options),
      refusal('store-damaged'),
    )
    const { file } = filled('G', 'a')
    const bytes = new Uint8Array(file.bytes ?? [])
    bytes[3] = 0
    assert.throws(() => openLogStore(memoryFile(bytes), options), refusal('store-damaged'))
  })

  test('Q58: refuses a file that cannot be read', () => {
    const file = memoryFile()
    file.read = () => {
      throw new Error('input/output error')
    }
    assert.throws(() => openLogStore(file, options), refusal('store-damaged'))
  })

  test('Q58: refuses what is named right and is no update', () => {
    const bytes = Uint8Array.of(0xff)
    const log = encodeLog([
      { kind: 'update', hash: hashOfCanonicalAum(bytes), commitTime: 0, bytes },
    ])
    assert.throws(() => openLogStore(memoryFile(log), options), refusal('store-damaged'))
  })

  test('Q58: refuses it when it is asked for, if only its beginning is an update', () => {
    const bytes = Uint8Array.of(0xa3, 1, 3, 2, 0xf6, 0xff)
    const hash = hashOfCanonicalAum(bytes)
    const log = encodeLog([{ kind: 'update', hash, commitTime: 0, bytes }])
    const store = openLogStore(memoryFile(log), options)
    assert.throws(() => store.get(hash), refusal('store-damaged'))
    assert.throws(() => openAuthority(store), refusal('store-damaged'))
  })

  test('cuts a torn tail off, so that the next change follows a whole one', () => {
    const { file, store } = filled('G', 'a')
    const whole = file.bytes
    store.commit(net.aums('b'))
    const torn = memoryFile(file.bytes?.slice(0, -1) ?? null)
    const again = openLogStore(torn, options)
    assert.deepEqual(names(again), ['G', 'a'])
    assert.deepEqual(torn.bytes, whole)
    again.commit(net.aums('b', 'c'))
    assert.deepEqual(reopened(torn), ['G', 'a', 'b', 'c'])
  })

  test('says so if it cannot cut', () => {
    const { file } = filled('G', 'a')
    const torn = memoryFile(file.bytes?.slice(0, -1) ?? null)
    torn.failReplace = true
    assert.throws(() => openLogStore(torn, options), refusal('store-write'))
  })

  test('decodes an update only when it is asked for', () => {
    const { file } = filled('G', 'a')
    const store = openLogStore(file, options)
    assert.equal(store.get(net.hash('a')), store.get(net.hash('a')))
  })
})

describe('a change', () => {
  test('is one append and one sync', () => {
    const { file, store } = filled('G')
    file.calls.length = 0
    store.commit(net.aums('a', 'b', 'c'))
    assert.deepEqual(file.calls, ['append', 'sync'])
    store.setLastActiveAncestor(net.hash('G'))
    assert.deepEqual(file.calls, ['append', 'sync', 'append', 'sync'])
  })

  test('that changes nothing writes nothing', () => {
    const { file, store } = filled('G')
    store.setLastActiveAncestor(net.hash('G'))
    file.calls.length = 0
    store.commit(net.aums('G'))
    store.commit([])
    store.purge([net.hash('c')])
    store.setLastActiveAncestor(net.hash('G'))
    assert.deepEqual(file.calls, [])
  })

  test('torn at any byte has happened or has not, and never half', () => {
    const { file: complete, store } = filled('G')
    const before = complete.bytes?.length ?? 0
    store.commit(net.aums('a', 'b', 'c'))
    const size = (complete.bytes?.length ?? 0) - before
    for (let tearAt = 0; tearAt <= size; tearAt++) {
      const { file, store: torn } = filled('G')
      file.tearAt = tearAt
      assert.throws(() => torn.commit(net.aums('a', 'b', 'c')), refusal('store-write'))
      assert.deepEqual(names(torn), ['G'], 'what was not acknowledged is not there')
      assert.deepEqual(reopened(file), tearAt < size ? ['G'] : ['G', 'a', 'b', 'c'])
    }
  })

  for (const failure of ['append', 'sync'] as const) {
    test(`after a failed ${failure} the next one writes the whole file`, () => {
      const { file, store } = filled('G', 'a')
      store.setLastActiveAncestor(net.hash('G'))
      if (failure === 'append') file.tearAt = 5
      else file.failSync = true
      assert.throws(() => store.commit(net.aums('b')), refusal('store-write'))
      assert.deepEqual(names(store), ['G', 'a'])
      file.calls.length = 0
      store.commit(net.aums('b', 'c'))
      assert.deepEqual(file.calls, ['replace'])
      assert.deepEqual(reopened(file), ['G', 'a', 'b', 'c'])
      file.calls.length = 0
      assert.equal(openLogStore(file, options).lastActiveAncestor(), net.hash('G'))
      store.setLastActiveAncestor(net.hash('a'))
      assert.deepEqual(file.calls, ['append', 'sync'], 'and then they are appended again')
      assert.equal(openLogStore(file, options).lastActiveAncestor(), net.hash('a'))
    })
  }

  test('that fails to write the whole file tries again', () => {
    const { file, store } = filled('G')
    file.tearAt = 0
    assert.throws(() => store.commit(net.aums('a')), refusal('store-write'))
    file.failReplace = true
    assert.throws(() => store.commit(net.aums('a')), refusal('store-write'))
    assert.deepEqual(names(store), ['G'])
    store.commit(net.aums('a'))
    assert.deepEqual(reopened(file), ['G', 'a'])
  })

  test('that fails to purge forgets nothing', () => {
    const { file, store } = filled('G', 'a')
    file.failReplace = true
    assert.throws(() => store.purge([net.hash('a')]), refusal('store-write'))
    assert.deepEqual(names(store), ['G', 'a'])
    store.commit(net.aums('b'))
    assert.deepEqual(reopened(file), ['G', 'a', 'b'])
  })

  test('that purges makes the file smaller', () => {
    const { file, store } = filled('G', 'a', 'b', 'c')
    const before = file.bytes?.length ?? 0
    store.purge([net.hash('a'), net.hash('b')])
    assert.ok((file.bytes?.length ?? 0) < before)
    store.purge([net.hash('G'), net.hash('c')])
    assert.deepEqual(reopened(file), [])
  })
})

describe('an authority over a log', () => {
  test('Q59: a crash between making the file and the first commit leaves a store to start in', () => {
    const file = memoryFile()
    createLogStore(file, options)
    const store = openLogStore(file, options)
    assert.throws(() => openAuthority(store), refusal('empty-store'))
    const authority = bootstrapAuthority(store, net.aum('G'))
    informAuthority(authority, store, net.aums('a', 'b'))
    assert.equal(net.name(openAuthority(openLogStore(file, options)).head), 'b')
  })

  test('a crash at every byte of its life leaves an earlier head or none, never an error', () => {
    const file = memoryFile()
    const store = createLogStore(file, options)
    const start = file.bytes?.length ?? 0
    let authority = bootstrapAuthority(store, net.aum('G'))
    for (const batch of [['a'], ['b', 'c']]) {
      authority = informAuthority(authority, store, net.aums(...batch))
    }
    const seen = new Set<string>()
    for (let length = start; length <= (file.bytes?.length ?? 0); length++) {
      const crashed = openLogStore(memoryFile(file.bytes?.slice(0, length) ?? null), options)
      seen.add(crashed.heads().length === 0 ? 'none' : net.name(openAuthority(crashed).head))
    }
    assert.deepEqual([...seen], ['none', 'G', 'a', 'c'])
  })

  test('Q24: metadata that was cleared is back after a restart, as in official software', () => {
    const named = drawChain('G -> n -> x', {
      updates: {
        n: { fields: { kind: 4, keyId: idOf('alice'), meta: new Map([['name', 'before']]) } },
        x: { fields: { kind: 4, keyId: idOf('alice'), meta: new Map() } },
      },
    })
    const file = memoryFile()
    const store = createLogStore(file, options)
    const before = bootstrapAuthority(store, named.aum('G'))
    const after = informAuthority(before, store, named.aums('n', 'x'))
    const again = openAuthority(openLogStore(file, options))
    assert.deepEqual(after.state.keys?.[0]?.meta, new Map())
    assert.deepEqual(again.state.keys?.[0]?.meta, new Map([['name', 'before']]))
    assert.equal(again.head, after.head)
    assert.deepEqual(encodeAum(decodeAum(encodeAum(named.aum('x')))), encodeAum(named.aum('x')))
  })

  test('20,000 updates open from a log', () => {
    const long = drawChain('G -> n1..n19999', { isUnsigned: true })
    const entries = long.aums().map((aum) => ({
      kind: 'update' as const,
      hash: aumHash(aum),
      commitTime: 0,
      bytes: encodeAum(aum),
    }))
    const parts = [encodeLog([]), ...entries.map((entry, i) => encodeRecord(i, [entry]))]
    const file = memoryFile(new Uint8Array(Buffer.concat(parts)))
    const authority = openAuthority(openLogStore(file, options))
    assert.equal(long.name(authority.head), 'n19999')
  })
})
