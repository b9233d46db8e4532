// SPDX-License-Identifier: Apache-2.0
/** Adapter for vectors/tka/fs-store.json: the layout that official nodes keep on disk. */

import {
  aumHash,
  decodeAum,
  encodeAum,
  informAuthority,
  openAuthority,
  openProfileStore,
  readProfileEntry,
  readProfileHint,
  scanProfile,
  TkaError,
  validateAum,
} from '@signet/tka'
import type { AumHash, AumStore, Authority, ProfileDirectory, ProfileEntry } from '@signet/tka'
import type { Checks } from './checks.ts'
import { bool, hex, integer, listOf, nullable, text } from './fields.ts'
import type { Fields } from './fields.ts'
import { eachCase } from './format.ts'
import type { Adapter, Format } from './format.ts'
import { checkAuthority, checkState, hash, storedAum, withOfficialLimits } from './tka-bag.ts'
import { allowanceForOpening } from './tka-chains.ts'

/** The time at which every file of a case was last changed, in milliseconds. */
const MODIFIED = 1_700_000_000_000

/** A directory in memory. */
class Directory implements ProfileDirectory {
  readonly contents: Map<string, Uint8Array>

  constructor(files: Iterable<readonly [string, Uint8Array]> = []) {
    this.contents = new Map(files)
  }

  directories(): string[] {
    const names = [...this.contents.keys()].flatMap((path) => path.split('/').slice(0, -1))
    return [...new Set(names)]
  }

  files(directory: string): string[] {
    return [...this.contents.keys()]
      .filter((path) => path.startsWith(`${directory}/`))
      .map((path) => path.slice(directory.length + 1))
  }

  read(path: string): { bytes: Uint8Array; modified: number } | null {
    const bytes = this.contents.get(path)
    return bytes ? { bytes, modified: MODIFIED } : null
  }

  write(path: string, bytes: Uint8Array): void {
    this.contents.set(path, bytes)
  }
}

function readFiles(fields: Fields, member: string): Map<string, Uint8Array> {
  return new Map(
    fields.objects(member).map((file) => [file.get('path', text), file.get('hex', hex)]),
  )
}

function isThere(entry: ProfileEntry | null): boolean {
  return entry !== null && entry.aum !== null && !entry.isPurged
}

const reading: Adapter = (fields, checks) => {
  const directory = new Directory(readFiles(fields, 'files'))
  const scan = fields.object('scan')
  const scanned = checks.verdict('scan.ok', scan.get('ok', bool), () => scanProfile(directory))
  if (scanned && scan.has('aums')) {
    const there = [...scanned].filter(([, entry]) => isThere(entry)).map(([name]) => name)
    checks.equal('scan.aums', new Set(scan.get('aums', listOf(text))), new Set(there))
  }
  for (const lookup of fields.objects('lookups')) checkLookup(lookup, checks, directory)
  const hint = fields.object('hint')
  const hintOk = hint.get('ok', bool)
  const found = checks.verdict('hint.ok', hintOk, () => ({ hash: readProfileHint(directory) }))
  if (hintOk && found)
    checks.equal('hint.hash', hint.get('hash', nullable(text)), found.hash ?? null)
  const open = fields.object('open')
  const ok = open.get('ok', bool)
  const openStore = (): AumStore => openProfileStore(directory, { now: () => MODIFIED })
  if (!ok && !canRead(openStore)) {
    // What cannot be read cannot be opened.
    return
  }
  withOfficialLimits(checks, allowanceForOpening(open, openStore()), (options, inner) => {
    const opened = inner.verdict('ok', ok, () => openAuthority(openStore(), options))
    if (ok && opened) checkAuthority(open, inner, opened)
  })
}

function canRead(openStore: () => AumStore): boolean {
  try {
    openStore()
    return true
  } catch (error) {
    if (error instanceof TkaError) return false
    throw error
  }
}

function checkLookup(lookup: Fields, checks: Checks, directory: Directory): void {
  const name = lookup.get('hash', hash)
  const aum = lookup.get('aum', nullable(hex))
  const isDamaged = aum === null && !lookup.get('notExist', bool)
  const entry = checks.verdict('lookup', !isDamaged, () => readProfileEntry(directory, name))
  const time = lookup.find('commitTimeUnix', (value, path) =>
    value === 'file-mtime' ? MODIFIED : integer(value, path) * 1000,
  )
  // Where Go reports an error for the time there is no entry, or one that counts as gone.
  if (lookup.has('commitTimeError')) lookup.get('commitTimeError', text)
  if (isDamaged || entry === undefined) return
  const got = entry !== null && isThere(entry) ? entry.aum : null
  checks.equal('lookup.aum', aum, got && encodeAum(got))
  if (time !== undefined) checks.equal('lookup.commitTimeUnix', time, entry?.commitTime)
}

/** An update with empty metadata: in memory, written, and read again. */
const emptyMeta: Adapter = (fields, checks) => {
  const stored = fields.get('stored', listOf(storedAum))
  const wire = fields.get('wire', hex)
  const update = decodeAum(wire)
  checks.equal('serialized', fields.get('serialized', hex), encodeAum(update))
  const verdict = fields.get('serializedStaticValidate', text)
  checks.verdict('serializedStaticValidate', verdict === 'ok', () =>
    validateAum(decodeAum(encodeAum(update))),
  )
  const directory = new Directory()
  const store = openProfileStore(directory, { now: () => MODIFIED })
  store.commit(stored)
  const first = stored[0]
  if (first) store.setLastActiveAncestor(aumHash(first))
  const inform = (): Authority => informAuthority(openAuthority(store), store, [update])
  const ok = fields.get('informOk', bool) && fields.get('fsInformOk', bool)
  const after = checks.verdict('informOk', ok, inform)
  for (const member of ['memAfter', 'fsAfter']) {
    const expected = fields.object(member)
    if (after) checkOpened(expected, checks, after)
  }
  const reopenOk = fields.get('fsReopenOk', bool)
  const reopened = checks.verdict('fsReopenOk', reopenOk, () =>
    openAuthority(openProfileStore(directory, { now: () => MODIFIED })),
  )
  if (reopened) checkOpened(fields.object('fsReopened'), checks, reopened)
}

function checkOpened(fields: Fields, checks: Checks, opened: Authority): void {
  checkAuthority(fields, checks, opened)
  checkState(fields, checks, opened)
}

/** What is written, byte for byte: by a commit, by a purge, and when the purged one comes back. */
const writing: Adapter = (fields, checks) => {
  const aums = fields.get('aums', listOf(storedAum))
  const purge: AumHash = fields.get('purge', hash)
  const created = fields.get('createdUnix', integer)
  let now = created * 1000
  const directory = new Directory()
  const store: AumStore = openProfileStore(directory, { now: () => now })
  store.commit(aums)
  const written = readFiles(fields, 'filesWritten')
  const hint = written.get('last_active_ancestor')
  if (hint) directory.write('last_active_ancestor', hint)
  checks.equal('filesWritten', written, directory.contents)
  now = fields.get('purgedUnix', integer) * 1000
  store.purge([purge])
  checks.equal('filesAfterPurge', readFiles(fields, 'filesAfterPurge'), directory.contents)
  const gone = fields.get('lookupAfterPurge', text) !== 'ok'
  checks.equal('lookupAfterPurge', gone, !store.has(purge))
  now += 1000
  store.commit(aums.filter((aum) => aumHash(aum) === purge))
  checks.equal('filesAfterRecommit', readFiles(fields, 'filesAfterRecommit'), directory.contents)
  const time = store.commitTime(purge)
  checks.equal('commitTimeOk', fields.get('commitTimeOk', bool), time !== undefined)
  const again = fields.get('commitTimeAfterRecommit', integer)
  checks.equal('commitTimeAfterRecommit', again * 1000, time)
}

export const fsStore: Format = eachCase((fields, checks) => {
  if (fields.has('wire')) return emptyMeta(fields, checks)
  return fields.has('filesWritten') ? writing(fields, checks) : reading(fields, checks)
})
