// SPDX-License-Identifier: Apache-2.0

/**
 * A file system in memory that can stop the process before any step, and then shows what a new
 * process may find: what was not synced is there, or lost, or there in part.
 *
 * @module
 */

import { basename, dirname } from 'node:path'
import type { FileSystem } from '../../src/durable-file.ts'

/** Thrown instead of carrying out the step at which the process "dies". */
export class Crash extends Error {}

/** What became of the steps that were not synced. */
export type Aftermath = 'kept' | 'lost' | 'torn'

export const aftermaths: readonly Aftermath[] = ['kept', 'lost', 'torn']

export type MemoryFiles = FileSystem & {
  /** Steps that changed something so far. */
  steps(): number
  /** Dies before the step of this number (counting from 0), and at every step after it. */
  crashAt(step: number): void
  /** What a new process finds. */
  restart(aftermath: Aftermath): MemoryFiles
  /** Names of all files. */
  paths(): readonly string[]
}

type Content = { readonly bytes: Uint8Array; readonly syncedLength: number }
type Tree = Map<string, Content | 'directory'>

export function createMemoryFiles(start: Tree = new Map()): MemoryFiles {
  /** As the running process sees it. */
  const live: Tree = new Map(start)
  /** Names that the disk is sure to have. Contents are looked up in `live` or stay as they were. */
  const durable: Tree = new Map(start)
  let count = 0
  let dieAt = Number.POSITIVE_INFINITY
  const step = (): void => {
    if (count >= dieAt) throw new Crash('died')
    count++
  }
  const under = (tree: Tree, path: string): string[] =>
    [...tree.keys()].filter((name) => name === path || name.startsWith(`${path}/`))
  const set = (path: string, bytes: Uint8Array, syncedLength: number): void => {
    const content = { bytes: bytes.slice(), syncedLength }
    live.set(path, content)
    if (durable.has(path)) durable.set(path, content)
  }
  const bytesOf = (path: string): Uint8Array | undefined => {
    const found = live.get(path)
    return found === undefined || found === 'directory' ? undefined : found.bytes
  }
  return {
    read: (path) => bytesOf(path)?.slice(),
    writeSynced(path, content) {
      step()
      set(path, content, content.length)
    },
    append(path, content) {
      step()
      const old = live.get(path)
      const before = old === undefined || old === 'directory' ? undefined : old
      set(
        path,
        Buffer.concat([before?.bytes ?? Buffer.alloc(0), content]),
        before?.syncedLength ?? 0,
      )
    },
    sync(path) {
      step()
      const bytes = bytesOf(path)
      if (bytes) set(path, bytes, bytes.length)
    },
    rename(from, to) {
      step()
      const moved = under(live, from).map((name) => [name, live.get(name)] as const)
      for (const name of under(live, to)) live.delete(name)
      for (const [name, found] of moved) {
        live.delete(name)
        if (found !== undefined) live.set(to + name.slice(from.length), found)
      }
    },
    syncDirectory(path) {
      step()
      for (const name of durable.keys()) {
        if (dirname(name) !== path || live.has(name)) continue
        for (const gone of under(durable, name)) durable.delete(gone)
      }
      for (const [name, content] of live) if (dirname(name) === path) durable.set(name, content)
    },
    makeDirectory(path) {
      if (live.has(path)) return
      step()
      live.set(path, 'directory')
    },
    list(path) {
      if (live.get(path) !== 'directory') return undefined
      return [...live.keys()].filter((name) => dirname(name) === path).map((name) => basename(name))
    },
    remove(path) {
      if (under(live, path).length === 0) return
      step()
      for (const name of under(live, path)) live.delete(name)
    },
    steps: () => count,
    crashAt(at) {
      dieAt = at
    },
    restart(aftermath) {
      const tree: Tree = new Map()
      for (const [name, content] of aftermath === 'kept' ? live : durable) {
        if (content === 'directory') tree.set(name, content)
        else {
          const { bytes, syncedLength } = content
          const torn = syncedLength + Math.ceil((bytes.length - syncedLength) / 2)
          const kept = { kept: bytes.length, lost: syncedLength, torn }[aftermath]
          tree.set(name, { bytes: bytes.slice(0, kept), syncedLength: kept })
        }
      }
      return createMemoryFiles(tree)
    },
    paths: () => [...live].filter(([, content]) => content !== 'directory').map(([name]) => name),
  }
}
