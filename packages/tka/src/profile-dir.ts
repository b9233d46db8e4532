// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, the layout that official nodes keep on disk, to take over from one or to
 * hand back.
 *
 *     XF/XFK5GLQH...   one file for each update, named for its hash, in a directory named for the
 *     QB/QBW5PHNP...   first two characters: {2: update, 3: created, 4: purged}
 *     last_active_ancestor   32 bytes
 *
 * Each file is written whole, but several are not written as one: a crash in the middle of a commit
 * leaves its first updates, which is a shorter chain. What cannot be read refuses everything, where
 * official nodes run on without a lock.
 *
 * @module
 */

import { CborReader, CborWriter, CodecError, type FieldReader } from '@signet/codec'
import {
  aumHashBytes,
  aumHashFromBytes,
  aumHashText,
  parseAumHash,
  type Aum,
  type AumHash,
} from './aum.ts'
import { aumHash, readAum, writeAum } from './aum-codec.ts'
import { TkaError } from './errors.ts'
import type { AumStore, StoredAum } from './store.ts'
import { indexEntry, StoreIndex } from './store-index.ts'
import { trustStoredAum, type VerifiedAum } from './verify.ts'

/** The files of one profile. Paths are relative, with slashes. */
export interface ProfileDirectory {
  /** Returns the names of the directories in it. */
  directories(): readonly string[]
  /** Returns the names of the files in one of them. */
  files(directory: string): readonly string[]
  /** Returns a file, or null if there is none. */
  read(path: string): ProfileFile | null
  /** Writes a whole file, durably, and the directory that it is in if there is none. */
  write(path: string, bytes: Uint8Array): void
}

/** A file as it was found. */
export interface ProfileFile {
  readonly bytes: Uint8Array
  /** When it was last changed, in milliseconds. */
  readonly modified: number
}

/** What a file says about an update. */
export interface ProfileEntry {
  /** Null in what old releases wrote to list children. */
  readonly aum: VerifiedAum | null
  /** When it was first committed, in milliseconds: as noted, or when the file last changed. */
  readonly commitTime: number
  /** Official nodes keep what they purge, and do not look at it. */
  readonly isPurged: boolean
}

/** What a profile store needs. */
export interface ProfileStoreOptions {
  /** The time, for commit times. */
  readonly now: () => number
}

interface FileContent {
  aum: Aum | null
  /** Seconds. */
  created: bigint
  purged: bigint
}

const HINT_PATH = 'last_active_ancestor'
const HASH_LENGTH = 32

/**
 * Opens a store over the official layout, which may be empty.
 *
 * @throws TkaError `store-damaged`
 */
export function openProfileStore(
  directory: ProfileDirectory,
  options: ProfileStoreOptions,
): AumStore {
  const index = new StoreIndex()
  index.lastActiveAncestor = readProfileHint(directory)
  for (const [hash, { aum, commitTime, isPurged }] of scanProfile(directory)) {
    if (isPurged) index.remember(hash, commitTime)
    else if (aum) index.add(hash, indexEntry({ aum, commitTime }))
  }

  function write(path: string, bytes: Uint8Array): void {
    try {
      directory.write(path, bytes)
    } catch (cause) {
      throw new TkaError('store-write', `Cannot write ${path}`, { cause })
    }
  }

  return {
    ...index.reader(),
    commit(aums) {
      const fresh = index.newcomers(aums, options.now())
      // In the order given, parents first, so that what a crash leaves is connected.
      for (const [hash, stored] of fresh) write(pathOf(hash), encodeProfileEntry(stored, null))
      for (const [hash, stored] of fresh) index.add(hash, indexEntry(stored))
    },
    purge(hashes) {
      const gone = hashes.filter((hash) => index.has(hash))
      for (const hash of gone) {
        const stored = index.stored(hash)
        if (stored) write(pathOf(hash), encodeProfileEntry(stored, options.now()))
      }
      for (const hash of gone) index.remove(hash)
    },
    setLastActiveAncestor(hash) {
      write(HINT_PATH, aumHashBytes(hash))
      index.lastActiveAncestor = hash
    },
  }
}

/**
 * Returns everything that is in the directory, by hash. Files with other names are ignored; a file
 * named for a hash has to be readable, and at the place where it belongs.
 *
 * @throws TkaError `store-damaged`
 */
export function scanProfile(directory: ProfileDirectory): Map<AumHash, ProfileEntry> {
  const entries = new Map<AumHash, ProfileEntry>()
  for (const name of directory.directories()) {
    for (const file of directory.files(name)) {
      const hash = hashOfName(file)
      if (hash === undefined) continue
      const entry = readProfileEntry(directory, hash)
      if (!entry) throw damaged(`${name}/${file}`, 'it is not where it belongs')
      entries.set(hash, entry)
    }
  }
  return entries
}

function hashOfName(name: string): AumHash | undefined {
  try {
    return parseAumHash(name)
  } catch (error) {
    // Temporary files, and what operating systems leave behind.
    if (error instanceof TkaError) return undefined
    throw error
  }
}

/**
 * Returns what the directory says about one update, or null if it has no file for it.
 *
 * @throws TkaError `store-damaged`
 */
export function readProfileEntry(directory: ProfileDirectory, hash: AumHash): ProfileEntry | null {
  const path = pathOf(hash)
  const file = directory.read(path)
  if (file === null) return null
  const found: FileContent = { aum: null, created: 0n, purged: 0n }
  const fields: [number, FieldReader][] = [
    [2, (r) => (found.aum = r.readOptional(readAum))],
    [3, (r) => (found.created = r.readInt64())],
    [4, (r) => (found.purged = r.readInt64())],
  ]
  try {
    // Official nodes read one item and do not look at what follows.
    new CborReader(file.bytes, { allowTrailing: true }).readStruct(new Map(fields))
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause
    throw damaged(path, cause.message, { cause })
  }
  const { aum, created, purged } = found
  if (aum !== null && aumHash(aum) !== hash) throw damaged(path, 'it holds another update')
  return {
    aum: aum && trustStoredAum(aum),
    commitTime: created > 0n ? Number(created) * 1000 : file.modified,
    isPurged: purged > 0n,
  }
}

/**
 * Returns the oldest update of the chain that was active last, or undefined if none is noted.
 *
 * @throws TkaError `store-damaged`
 */
export function readProfileHint(directory: ProfileDirectory): AumHash | undefined {
  const file = directory.read(HINT_PATH)
  if (file === null) return undefined
  if (file.bytes.length !== HASH_LENGTH) {
    throw damaged(HINT_PATH, `expected ${HASH_LENGTH} bytes, got ${file.bytes.length}`)
  }
  return aumHashFromBytes(file.bytes)
}

function pathOf(hash: AumHash): string {
  const text = aumHashText(hash)
  return `${text.slice(0, 2)}/${text}`
}

function encodeProfileEntry(stored: StoredAum, purgedAt: number | null): Uint8Array {
  const writer = new CborWriter().map(purgedAt === null ? 2 : 3).uint(2)
  writeAum(writer, stored.aum)
  writer.uint(3).uint(toSeconds(stored.commitTime))
  if (purgedAt !== null) writer.uint(4).uint(toSeconds(purgedAt))
  return writer.finish()
}

/** Zero would mean unknown, or not purged. */
function toSeconds(time: number): number {
  return Math.max(1, Math.floor(time / 1000))
}

function damaged(path: string, reason: string, options?: ErrorOptions): TkaError {
  return new TkaError('store-damaged', `Cannot read stored authority: ${path}: ${reason}`, options)
}
