// SPDX-License-Identifier: Apache-2.0

/** Files in memory, that can fail where a disk can. */

import type { LogFile, ProfileDirectory } from '../../src/index.ts'

/** A log file, and what may go wrong with it. */
export interface MemoryFile extends LogFile {
  /** What is on the disk; null if there is no file. */
  bytes: Uint8Array | null
  /** Bytes of the next append that reach the disk before it fails; undefined if it does not. */
  tearAt: number | undefined
  /** Whether the next sync fails. */
  failSync: boolean
  /** Whether the next replacement fails, with nothing done. */
  failReplace: boolean
  /** Calls so far. */
  readonly calls: string[]
}

/** Creates a log file in memory. */
export function memoryFile(bytes: Uint8Array | null = null): MemoryFile {
  const file: MemoryFile = {
    bytes,
    tearAt: undefined,
    failSync: false,
    failReplace: false,
    calls: [],
    read: () => file.bytes && new Uint8Array(file.bytes),
    append(more) {
      file.calls.push('append')
      const written = more.subarray(0, file.tearAt ?? more.length)
      file.bytes = new Uint8Array(Buffer.concat([file.bytes ?? new Uint8Array(), written]))
      if (file.tearAt === undefined) return
      file.tearAt = undefined
      throw new Error('no space left on device')
    },
    sync() {
      file.calls.push('sync')
      if (!file.failSync) return
      file.failSync = false
      throw new Error('input/output error')
    },
    replace(content) {
      file.calls.push('replace')
      if (file.failReplace) {
        file.failReplace = false
        throw new Error('read-only file system')
      }
      file.bytes = new Uint8Array(content)
    },
  }
  return file
}

/** A profile directory, with its files by path. */
export interface MemoryDirectory extends ProfileDirectory {
  readonly content: Map<string, Uint8Array>
  /** What every file's time of change is, in milliseconds. */
  modified: number
  /** Writes that succeed before one fails; undefined if none does. */
  writesLeft: number | undefined
}

/** Creates a profile directory in memory. */
export function memoryDirectory(
  files: Iterable<readonly [string, Uint8Array]> = [],
): MemoryDirectory {
  const content = new Map(files)
  const directory: MemoryDirectory = {
    content,
    modified: 0,
    writesLeft: undefined,
    directories() {
      const nested = [...content.keys()].filter((path) => path.includes('/'))
      return [...new Set(nested.map((path) => path.slice(0, path.indexOf('/'))))]
    },
    files(name) {
      const inside = [...content.keys()].filter((path) => path.startsWith(`${name}/`))
      return inside.map((path) => path.slice(name.length + 1))
    },
    read(path) {
      const bytes = content.get(path)
      return bytes ? { bytes, modified: directory.modified } : null
    },
    write(path, bytes) {
      if (directory.writesLeft === 0) throw new Error('no space left on device')
      if (directory.writesLeft !== undefined) directory.writesLeft--
      content.set(path, new Uint8Array(bytes))
    },
  }
  return directory
}
