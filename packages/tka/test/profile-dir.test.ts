// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CborWriter, concatBytes, fromHex } from '@signet/codec'
import { drawChain } from '@signet/testkit/chain'
import {
  aumHashBytes,
  aumHashText,
  createLogStore,
  encodeAum,
  openAuthority,
  openProfileStore,
  readProfileEntry,
  readProfileHint,
  scanProfile,
  type AumHash,
} from '../src/index.ts'
import { memoryDirectory, memoryFile, type MemoryDirectory } from './support/memory-files.ts'
import { refusal } from './support/refuses.ts'

const net = drawChain('G -> a -> b')
const CREATED = 1_700_000_000
const now = (): number => CREATED * 1000 + 999

function pathOf(hash: AumHash): string {
  const text = aumHashText(hash)
  return `${text.slice(0, 2)}/${text}`
}

/** A file of an update, with any fields. */
function fileOf(name: string, created?: number, purged?: number): Uint8Array {
  const fields = [created, purged].filter((field) => field !== undefined).length
  const writer = new CborWriter().map(1 + fields).uint(2)
  const bytes = encodeAum(net.aum(name))
  // The writer writes items only, so the update is put in behind its key.
  writer.null()
  if (created !== undefined) writer.uint(3).uint(created)
  if (purged !== undefined) writer.uint(4).uint(purged)
  const [head = 0, key = 0, , ...rest] = writer.finish()
  return concatBytes(Uint8Array.of(head, key), bytes, Uint8Array.from(rest))
}

function directoryOf(files: Readonly<Record<string, Uint8Array>> = {}): MemoryDirectory {
  const standard = ['G', 'a', 'b'].map(
    (name) => [pathOf(net.hash(name)), fileOf(name, CREATED)] as const,
  )
  return memoryDirectory([...standard, ...Object.entries(files)])
}

const pathA = pathOf(net.hash('a'))
const pathB = pathOf(net.hash('b'))

describe('openProfileStore()', () => {
  test('opens an empty directory', () => {
    const store = openProfileStore(memoryDirectory(), { now })
    assert.deepEqual(store.heads(), [])
    assert.equal(store.lastActiveAncestor(), undefined)
  })

  test('opens what an official node wrote, as an authority', () => {
    const directory = directoryOf({ last_active_ancestor: aumHashBytes(net.hash('G')) })
    const store = openProfileStore(directory, { now })
    assert.equal(net.name(openAuthority(store).head), 'b')
    assert.equal(store.lastActiveAncestor(), net.hash('G'))
    assert.equal(store.commitTime(net.hash('a')), CREATED * 1000)
  })

  test('writes what an official node writes', () => {
    const directory = memoryDirectory()
    const store = openProfileStore(directory, { now })
    store.commit(net.aums('G'))
    store.setLastActiveAncestor(net.hash('G'))
    assert.deepEqual(
      [...directory.content],
      [
        [pathOf(net.hash('G')), fileOf('G', CREATED)],
        ['last_active_ancestor', aumHashBytes(net.hash('G'))],
      ],
    )
  })

  test('purges by a note, and takes the note back when the update returns', () => {
    const directory = directoryOf()
    const store = openProfileStore(directory, { now: () => (CREATED + 50) * 1000 })
    store.purge([net.hash('b')])
    assert.deepEqual(directory.content.get(pathB), fileOf('b', CREATED, CREATED + 50))
    assert.equal(store.get(net.hash('b')), undefined)
    store.commit(net.aums('b'))
    assert.deepEqual(directory.content.get(pathB), fileOf('b', CREATED))
    assert.equal(store.commitTime(net.hash('b')), CREATED * 1000)
  })

  test('a crash in the middle of a commit leaves a shorter chain', () => {
    const directory = memoryDirectory()
    const store = openProfileStore(directory, { now })
    directory.writesLeft = 2
    assert.throws(() => store.commit(net.aums('G', 'a', 'b')), refusal('store-write'))
    assert.deepEqual([...store.hashes()], [])
    const again = openProfileStore(directory, { now })
    assert.equal(net.name(openAuthority(again).head), 'a')
  })

  test('takes the time of the file where none was noted', () => {
    const directory = directoryOf({ [pathA]: fileOf('a') })
    directory.modified = 77_000
    const store = openProfileStore(directory, { now })
    assert.equal(store.commitTime(net.hash('a')), 77_000)
    store.purge([net.hash('a')])
    assert.deepEqual(directory.content.get(pathA), fileOf('a', 77, CREATED))
  })

  test('moves over to a log', () => {
    const from = openProfileStore(directoryOf(), { now })
    const to = createLogStore(memoryFile(), { now })
    to.commit([...from.hashes()].flatMap((hash) => from.get(hash) ?? []))
    assert.equal(openAuthority(to).head, openAuthority(from).head)
  })

  const ignored: Record<string, Record<string, Uint8Array>> = {
    'files that are not named for a hash': {
      [`${pathA}.tmp`]: Uint8Array.of(1),
      'XX/.DS_Store': Uint8Array.of(1),
    },
    'files beside the directories': { [aumHashText(net.hash('a'))]: Uint8Array.of(1) },
    'names in lower case': { [`xx/${aumHashText(net.hash('a')).toLowerCase()}`]: Uint8Array.of(1) },
    'a copy at the wrong place': { [`XX/${aumHashText(net.hash('a'))}`]: Uint8Array.of(1) },
    'bytes behind an update': { [pathA]: concatBytes(fileOf('a', CREATED), Uint8Array.of(0xff)) },
    'an unknown field': { [pathA]: withField(fileOf('a'), '0900') },
    'children that old releases listed': { [pathA]: withField(fileOf('a'), '018141ff') },
  }
  for (const [name, files] of Object.entries(ignored)) {
    test(`ignores ${name}`, () => {
      const store = openProfileStore(directoryOf(files), { now })
      assert.equal(net.name(openAuthority(store).head), 'b')
    })
  }

  test('an entry without update is none', () => {
    for (const hex of ['a0', 'a102f6', 'a10180']) {
      const store = openProfileStore(directoryOf({ [pathB]: fromHex(hex) }), { now })
      assert.equal(store.has(net.hash('b')), false)
    }
  })

  /** Adds one field to a map of one. */
  function withField(bytes: Uint8Array, hex: string): Uint8Array {
    return concatBytes(Uint8Array.of(0xa2), bytes.subarray(1), fromHex(hex))
  }

  const damaged: Record<string, Record<string, Uint8Array>> = {
    'an empty file': { [pathA]: new Uint8Array(0) },
    'a file cut short': { [pathA]: fileOf('a', CREATED).slice(0, -1) },
    'a file that is no entry': { [pathA]: Uint8Array.of(0x80) },
    'a file that holds another update': { [pathA]: fileOf('b', CREATED) },
    'a file that is not where it belongs': {
      [`XX/${aumHashText(net.hash('a')).replace(/^./, 'Q')}`]: fileOf('a'),
    },
    'a field twice': {
      [pathA]: concatBytes(Uint8Array.of(0xa2), fileOf('a').subarray(1), fromHex('02f6')),
    },
    'a time that is a float': { [pathA]: withField(fileOf('a'), '03f90000') },
    'a hint of 31 bytes': { last_active_ancestor: new Uint8Array(31) },
    'a hint of 33 bytes': { last_active_ancestor: new Uint8Array(33) },
    'an empty hint': { last_active_ancestor: new Uint8Array(0) },
  }
  for (const [name, files] of Object.entries(damaged)) {
    test(`Q58: refuses ${name}`, () => {
      assert.throws(() => openProfileStore(directoryOf(files), { now }), refusal('store-damaged'))
    })
  }

  test('Q58: a lost file is damage, unless it was the last', () => {
    for (const name of ['G', 'a']) {
      const directory = directoryOf()
      directory.content.delete(pathOf(net.hash(name)))
      const store = openProfileStore(directory, { now })
      assert.throws(() => openAuthority(store), refusal('missing-parent'))
    }
  })
})

describe('scanProfile(), readProfileEntry() and readProfileHint()', () => {
  test('show what is there, the purged too', () => {
    const directory = directoryOf({ [pathB]: fileOf('b', CREATED, CREATED) })
    const entries = scanProfile(directory)
    assert.deepEqual(net.names(entries.keys()).sort(), ['G', 'a', 'b'])
    assert.equal(entries.get(net.hash('b'))?.isPurged, true)
    assert.equal(readProfileEntry(directory, net.hash('a'))?.isPurged, false)
    assert.equal(readProfileEntry(memoryDirectory(), net.hash('a')), null)
    assert.equal(readProfileHint(directory), undefined)
  })
})
