// SPDX-License-Identifier: Apache-2.0

/**
 * Keeps the authority of this node, on disk and in memory, so that nothing but the right secret or
 * the owner of the node can end it.
 *
 * Order of writes, so that a crash between any two of them is on the safe side:
 *
 *     begin   directory, rotation memory, genesis, mark in node.json
 *     grow    updates, mark
 *     end     mark away, directory away
 *
 * A directory without a mark is still a lock. A mark without a directory, or with one that does not
 * hold the marked update, is damage: nobody gets in.
 *
 * @module
 */

import { join } from 'node:path'
import {
  aumHash,
  aumHashText,
  aumParent,
  bootstrapAuthority,
  compactAuthority,
  createMemoryStore,
  informGuarded,
  openGuarded,
  parseAumHash,
  stateIdText,
  verifyGenesis,
  type Aum,
  type AumHash,
  type AumStore,
  type Authority,
} from '@signet/tka'
import type { NodePublic } from '@signet/keys'
import { replaceFile, type FileSystem } from '../durable-file.ts'
import { NodeError, reasonOf } from '../errors.ts'
import type { LockMark, StateFile } from '../state-file.ts'
import { matchesPin } from './fingerprint.ts'
import { createFileStore, hasFileStore, openFileStore } from './file-store.ts'
import type { LockState } from './lock-state.ts'
import { openRotationMemory, type RotationMemory } from './rotation-memory.ts'

/** What a keeper needs. */
export type LockKeeperOptions = {
  readonly stateFile: StateFile
  readonly files: FileSystem
  /** `DIR/lock` */
  readonly directory: string
  readonly now: () => number
}

/** The authority of this node. All of it is synchronous: between two awaits nothing changes. */
export type LockKeeper = {
  state(): LockState
  /** The authority and its store. @throws NodeError lock-off, lock-broken */
  require(): { readonly authority: Authority; readonly store: AumStore }
  /**
   * Begins to follow a lock; from then on it is in force here.
   *
   * @throws NodeError lock-pin-mismatch, lock-disallowed, lock-on, lock-broken; TkaError
   */
  begin(genesis: Aum): Authority
  /**
   * Verifies and stores updates, unless they would undo history without the right to.
   *
   * @throws TkaError and then nothing has changed
   */
  inform(aums: readonly Aum[]): Authority
  /** Forgets old updates. True if it did. */
  compact(): boolean
  /** Shuts the gate until a lock is found, if none is in force. */
  await(why: string): void
  /** Opens a gate that {@link await} shut, when the server takes the announcement back. */
  stopAwaiting(): void
  /** Ends the lock, the right secret having been shown. */
  end(): void
  /** Leaves the lock by the will of this node's owner, and remembers that. */
  leave(): void
  /** Requires a lock that began with the update of this fingerprint. @throws NodeError */
  pin(pin: string): void
  /** The same for a lock that this node is starting itself: until it is seen, nothing is shut. */
  expect(pin: string): void
  /** Lets a replaced node key in again, by the will of this node's owner. False if it was not one. */
  forgive(nodeKey: NodePublic): boolean
  /** The update that a lock which was in force here began with. @throws NodeError lock-broken */
  markedGenesis(): AumHash
  /**
   * Puts a history in the place of a damaged store, if it is the one that the mark names.
   *
   * @throws NodeError lock-broken; TkaError
   */
  heal(genesis: Aum, updates: readonly Aum[]): Authority
  /** Forgets lock, mark and pin: the node leaves its tailnet. */
  reset(): void
  /** Calls back after each change of the state. */
  onChange(listener: () => void): void
}

const rotationFile = 'rotations.json'

/** Opens what is on disk. Damage is not an error here but a state, in which nobody gets in. */
export function createLockKeeper(options: LockKeeperOptions): LockKeeper {
  const { stateFile, files, directory, now } = options
  const listeners: (() => void)[] = []
  let store: AumStore | undefined
  let state: LockState = { kind: 'off' }

  const become = (next: LockState): void => {
    state = next
    for (const listener of listeners) listener()
  }
  const mark = (authority: Authority, genesis: string): void => {
    const { stateId } = authority
    const head = aumHashText(authority.head)
    const known = stateFile.get().wasLocked
    if (known?.stateId === stateId && known.head === head && known.genesis === genesis) return
    stateFile.update({ wasLocked: { stateId, genesis, head } })
  }
  const forget = (): void => {
    files.remove(directory)
    files.syncDirectory(join(directory, '..'))
    store = undefined
  }
  const current = (): { authority: Authority; store: AumStore; memory: RotationMemory } => {
    if (state.kind === 'broken') throw new NodeError('lock-broken', state.why)
    if (state.kind !== 'on' || store === undefined) {
      throw new NodeError('lock-off', 'Tailnet lock is not active on this node')
    }
    return { authority: state.authority, memory: state.memory, store }
  }
  const enforce = (authority: Authority, memory: RotationMemory): Authority => {
    mark(authority, stateFile.get().wasLocked?.genesis ?? aumHashText(authority.oldestAncestor))
    become({ kind: 'on', authority, memory })
    return authority
  }

  const open = (): LockState => {
    const { wasLocked, pin, disallowedStateIds } = stateFile.get()
    if (!hasFileStore(files, directory)) {
      if (wasLocked) return missing(directory)
      return pin === '' ? { kind: 'off' } : awaitingPin
    }
    const opened = openFileStore(files, directory, now)
    if (wasLocked === null && [...opened.hashes()].length === 0) {
      // Stopped between making the store and its first update.
      return pin === '' ? { kind: 'off' } : awaitingPin
    }
    const authority = openGuarded(opened)
    if (wasLocked === null && disallowedStateIds.includes(authority.stateId)) {
      forget()
      return { kind: 'left', stateId: authority.stateId }
    }
    checkMark(wasLocked, authority, opened)
    const memory = openRotationMemory(files, join(directory, rotationFile), {
      mustExist: wasLocked !== null,
    })
    store = opened
    mark(authority, wasLocked?.genesis ?? aumHashText(authority.oldestAncestor))
    return { kind: 'on', authority, memory }
  }

  const recoverMemory = (bytes: Uint8Array | undefined): RotationMemory => {
    const path = join(directory, rotationFile)
    if (bytes !== undefined) replaceFile(files, path, bytes, 0o600)
    try {
      return openRotationMemory(files, path, { mustExist: false })
    } catch {
      // It was damaged, and lies in the old directory; the owner asked for a lock that works.
      files.remove(path)
      return openRotationMemory(files, path, { mustExist: false })
    }
  }

  try {
    state = open()
  } catch (error) {
    // Whatever it was: a lock that cannot be read is a closed gate, never a missing one.
    state = { kind: 'broken', why: `The stored lock is damaged: ${reasonOf(error)}` }
  }

  return {
    state: () => state,
    require: () => current(),
    begin(genesis) {
      const { pin, disallowedStateIds } = stateFile.get()
      if (state.kind === 'on') throw new NodeError('lock-on', 'Tailnet lock is already on')
      if (state.kind === 'broken') throw new NodeError('lock-broken', state.why)
      const verified = verifyGenesis(genesis)
      const hash = aumHash(verified)
      const stateId = verified.state ? stateIdText(verified.state) : ''
      if (disallowedStateIds.includes(stateId)) {
        // Which lock was left is known again only when it is shown: after a restart, that is now.
        if (pin === '') become({ kind: 'left', stateId })
        throw new NodeError(
          'lock-disallowed',
          `The owner of this node left the lock ${stateId} with local-disable`,
        )
      }
      if (pin !== '' && !matchesPin(pin, hash)) {
        throw new NodeError(
          'lock-pin-mismatch',
          `The server shows a lock that is not the pinned one: expected ${pin}, got ${aumHashText(hash)}`,
        )
      }
      forget()
      files.makeDirectory(directory, 0o700)
      files.syncDirectory(join(directory, '..'))
      const memory = openRotationMemory(files, join(directory, rotationFile), { mustExist: false })
      const opened = createFileStore(files, directory, now)
      const authority = bootstrapAuthority(opened, verified)
      mark(authority, aumHashText(hash))
      store = opened
      become({ kind: 'on', authority, memory })
      return authority
    },
    inform(aums) {
      const { authority, memory, store: opened } = current()
      return enforce(informGuarded(authority, opened, aums), memory)
    },
    compact() {
      const { authority, memory, store: opened } = current()
      const compacted = compactAuthority(authority, opened, { now: now() })
      if (compacted === authority) return false
      become({ kind: 'on', authority: compacted, memory })
      return true
    },
    await(why) {
      if (state.kind === 'off') become({ kind: 'awaiting', why })
    },
    stopAwaiting() {
      if (state.kind === 'awaiting' && stateFile.get().pin === '') become({ kind: 'off' })
    },
    end() {
      current()
      stateFile.update({ wasLocked: null, pin: '' })
      forget()
      become({ kind: 'off' })
    },
    leave() {
      const { wasLocked, disallowedStateIds } = stateFile.get()
      const stateId = state.kind === 'on' ? state.authority.stateId : wasLocked?.stateId
      if (stateId === undefined && state.kind !== 'broken' && state.kind !== 'awaiting') {
        throw new NodeError('lock-off', 'Tailnet lock is not active on this node')
      }
      const others = disallowedStateIds.filter((id) => id !== stateId)
      stateFile.update({
        wasLocked: null,
        pin: '',
        disallowedStateIds: stateId === undefined ? others : [...others, stateId],
      })
      forget()
      become(stateId === undefined ? { kind: 'off' } : { kind: 'left', stateId })
    },
    pin(pin) {
      const { wasLocked } = stateFile.get()
      if (wasLocked && !matchesPin(pin, parseAumHash(wasLocked.genesis))) {
        throw new NodeError(
          'lock-pin-mismatch',
          `This node is under another lock than the pinned one: ${wasLocked.genesis}`,
        )
      }
      if (stateFile.get().pin !== pin) stateFile.update({ pin })
      if (state.kind === 'off' || state.kind === 'left') become(awaitingPin)
    },
    expect(pin) {
      stateFile.update({ pin })
    },
    forgive(nodeKey) {
      const { authority, memory } = current()
      if (!memory.forgive(nodeKey)) return false
      // A new object, so that everybody sees that something changed.
      become({ kind: 'on', authority, memory: { ...memory } })
      return true
    },
    markedGenesis: () => parseAumHash(requireMark(stateFile.get().wasLocked).genesis),
    heal(genesis, updates) {
      const { wasLocked } = stateFile.get()
      const known = requireMark(wasLocked)
      // First in memory: nothing on disk is touched for a history that is not the one.
      const trial = createMemoryStore({ now })
      const begun = bootstrapAuthority(trial, verifyGenesis(genesis))
      if (aumHashText(begun.head) !== known.genesis) {
        throw new NodeError('lock-broken', 'The history does not begin as the lost one did')
      }
      const batches = lineFirst(parseAumHash(known.head), updates)
      const regrow = (from: Authority, into: AumStore): Authority =>
        batches.reduce(
          (grown, aums) => (aums.length === 0 ? grown : informGuarded(grown, into, aums)),
          from,
        )
      checkMark(wasLocked, regrow(begun, trial), trial)
      // What the old directory says of replaced keys is kept, as far as it can be read.
      const rotations = files.read(join(directory, rotationFile))
      setAside(files, directory)
      files.makeDirectory(directory, 0o700)
      files.syncDirectory(join(directory, '..'))
      const memory = recoverMemory(rotations)
      const opened = createFileStore(files, directory, now)
      const authority = bootstrapAuthority(opened, verifyGenesis(genesis))
      store = opened
      return enforce(regrow(authority, opened), memory)
    },
    reset() {
      stateFile.update({ wasLocked: null, pin: '' })
      forget()
      become({ kind: 'off' })
    },
    onChange: (listener) => {
      listeners.push(listener)
    },
  }
}

const awaitingPin: LockState = {
  kind: 'awaiting',
  why: 'The pinned lock has not been found yet',
}

function missing(directory: string): LockState {
  return {
    kind: 'broken',
    why: `This node was under a lock, but its store is gone: ${directory}`,
  }
}

/** The mark of a lock that is damaged. @throws NodeError lock-broken */
function requireMark(mark: LockMark | null): LockMark {
  if (mark !== null) return mark
  throw new NodeError('lock-broken', 'Nothing tells which lock was in force here')
}

/** What led to `head` first: it was in force here, and what came with it may not undo it. */
function lineFirst(head: AumHash, updates: readonly Aum[]): readonly (readonly Aum[])[] {
  const byHash = new Map(updates.map((aum) => [aumHash(aum), aum]))
  const line = new Set<Aum>()
  for (let aum = byHash.get(head); aum && !line.has(aum);) {
    line.add(aum)
    const parent = aumParent(aum)
    aum = parent === null ? undefined : byHash.get(parent)
  }
  return [[...line], updates.filter((aum) => !line.has(aum))]
}

/**
 * Keeps a damaged directory under a name that is free: what was set aside before may hold the only memory of
 * replaced keys.
 */
function setAside(files: FileSystem, directory: string): void {
  if (files.list(directory) === undefined) return
  let aside = `${directory}.damaged`
  for (let n = 2; files.list(aside) !== undefined; n++) aside = `${directory}.damaged-${n}`
  files.rename(directory, aside)
  files.syncDirectory(join(directory, '..'))
}

/** A store that was replaced, or taken back to an older time, is damage. */
function checkMark(mark: LockMark | null, authority: Authority, store: AumStore): void {
  if (mark === null) return
  if (authority.stateId !== mark.stateId) {
    throw new NodeError(
      'lock-broken',
      `expected lock ${mark.stateId}, found ${authority.stateId} in its place`,
    )
  }
  if (!store.has(parseAumHash(mark.head))) {
    throw new NodeError('lock-broken', `update ${mark.head}, which was stored before, is missing`)
  }
}
