// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, durable storage: an index in memory over a log in a file. One change is
 * one append and one sync, so it has happened or it has not, whenever the power goes.
 *
 * Opening never invents: a missing or damaged file is an error, and whoever meets it has to fail
 * closed. Only {@link createLogStore} makes a file where there was none.
 *
 * @module
 */

import type { AumHash, AumLink } from './aum.ts'
import { encodeAum, peekAumLink } from './aum-codec.ts'
import { TkaError } from './errors.ts'
import { decodeLog, encodeLog, encodeRecord, type LogEntry } from './log-format.ts'
import type { AumStore } from './store.ts'
import { indexEntry, StoreIndex } from './store-index.ts'
import type { VerifiedAum } from './verify.ts'

/** The file that holds a log. Every method throws if it fails, whatever it may have done by then. */
export interface LogFile {
  /** Returns the whole content, or null if there is no file. */
  read(): Uint8Array | null
  /** Adds bytes at the end; they need not be durable yet. */
  append(bytes: Uint8Array): void
  /** Makes what was appended durable. */
  sync(): void
  /**
   * Makes this the whole content, whether or not there was a file: durably, and at no time visible
   * in part. On a file system: write a temporary file, sync it, rename it, sync the directory.
   */
  replace(bytes: Uint8Array): void
}

/** What a log store needs. */
export interface LogStoreOptions {
  /** The time, for commit times. */
  readonly now: () => number
}

/**
 * Creates a store in a file that does not exist yet.
 *
 * @throws TkaError `store-not-empty`, `store-write`
 */
export function createLogStore(file: LogFile, options: LogStoreOptions): AumStore {
  if (read(file) !== null) {
    throw new TkaError('store-not-empty', 'Cannot create store: the file exists')
  }
  attempt(() => file.replace(encodeLog([])))
  return storeOver(file, new StoreIndex(), 0, options)
}

/**
 * Opens a store. A change that was being written when the process died, and so was never
 * acknowledged, is cut off. Costs one pass; updates are hashed, signatures not verified.
 *
 * @throws TkaError `store-missing`, `store-damaged`, `store-write`
 */
export function openLogStore(file: LogFile, options: LogStoreOptions): AumStore {
  const bytes = read(file)
  if (bytes === null) {
    throw new TkaError('store-missing', 'Cannot open store: the file does not exist')
  }
  const { entries, records, wholeLength } = decodeLog(bytes)
  const index = new StoreIndex()
  for (const entry of entries) remember(index, entry)
  if (wholeLength < bytes.length) attempt(() => file.replace(bytes.slice(0, wholeLength)))
  return storeOver(file, index, records, options)
}

function storeOver(
  file: LogFile,
  index: StoreIndex,
  startRecords: number,
  options: LogStoreOptions,
): AumStore {
  let records = startRecords
  // After a failed append nobody knows how the file ends, so the next change writes it anew.
  let isTailKnown = true

  function rewrite(entries: readonly LogEntry[]): void {
    isTailKnown = false
    attempt(() => file.replace(encodeLog(entries)))
    isTailKnown = true
    records = entries.length === 0 ? 0 : 1
  }

  /** Makes entries durable; the index is the caller's. */
  function add(entries: readonly LogEntry[]): void {
    if (isTailKnown) {
      isTailKnown = false
      attempt(() => {
        file.append(encodeRecord(records, entries))
        file.sync()
      })
      isTailKnown = true
      records++
    } else {
      rewrite([...snapshot(index), ...entries])
    }
  }

  return {
    ...index.reader(),
    commit(aums) {
      const fresh = index.newcomers(aums, options.now())
      if (fresh.size === 0) return
      add([...fresh].map(([hash, { aum, commitTime }]) => updateEntry(hash, aum, commitTime)))
      for (const [hash, stored] of fresh) index.add(hash, indexEntry(stored))
    },
    purge(hashes) {
      const gone = new Set(hashes.filter((hash) => index.has(hash)))
      if (gone.size === 0) return
      rewrite(snapshot(index, gone))
      for (const hash of gone) index.remove(hash)
    },
    setLastActiveAncestor(hash) {
      if (hash === index.lastActiveAncestor) return
      add([{ kind: 'active', hash }])
      index.lastActiveAncestor = hash
    },
  }
}

function remember(index: StoreIndex, entry: LogEntry): void {
  switch (entry.kind) {
    case 'update': {
      const { hash, commitTime, bytes } = entry
      index.add(hash, { ...linkOf(hash, bytes), commitTime, content: bytes })
      return
    }
    case 'forgotten':
      index.remember(entry.hash, entry.commitTime)
      return
    case 'active':
      index.lastActiveAncestor = entry.hash
  }
}

function linkOf(hash: AumHash, bytes: Uint8Array): AumLink {
  try {
    return peekAumLink(bytes)
  } catch (cause) {
    throw new TkaError('store-damaged', `Cannot open store: update ${hash} is none`, { cause })
  }
}

/** All that the index says, but for the updates in `without`, of which only the time is kept. */
function snapshot(index: StoreIndex, without: ReadonlySet<string> = new Set()): LogEntry[] {
  const entries: LogEntry[] = []
  for (const [hash, { content, commitTime }] of index.entries()) {
    const isKept = !without.has(hash)
    entries.push(
      isKept ? updateEntry(hash, content, commitTime) : { kind: 'forgotten', hash, commitTime },
    )
  }
  for (const [hash, commitTime] of index.forgotten()) {
    entries.push({ kind: 'forgotten', hash, commitTime })
  }
  const active = index.lastActiveAncestor
  if (active !== undefined) entries.push({ kind: 'active', hash: active })
  return entries
}

function updateEntry(
  hash: AumHash,
  content: VerifiedAum | Uint8Array,
  commitTime: number,
): LogEntry {
  const bytes = content instanceof Uint8Array ? content : encodeAum(content)
  return { kind: 'update', hash, commitTime, bytes }
}

function read(file: LogFile): Uint8Array | null {
  try {
    return file.read()
  } catch (cause) {
    throw new TkaError('store-damaged', 'Cannot open store: the file cannot be read', { cause })
  }
}

function attempt(write: () => void): void {
  try {
    write()
  } catch (cause) {
    throw new TkaError('store-write', 'Cannot write store: nothing was changed', { cause })
  }
}
