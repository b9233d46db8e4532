// SPDX-License-Identifier: Apache-2.0

/**
 * Files that survive a crash: a reader finds the whole old or the whole new content.
 *
 *   write temp -> fsync temp -> rename over the name -> fsync the directory
 *
 * Everything goes through a small interface of single steps, so that a test can stop after any of
 * them and look at what a restarted process would find.
 *
 * @module
 */

import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** The single steps that the node's files are made of. */
export type FileSystem = {
  /** The content, or undefined when there is no such file. */
  read(path: string): Uint8Array | undefined
  /** Creates or truncates a file, writes all of it and fsyncs it. */
  writeSynced(path: string, content: Uint8Array, mode: number): void
  /** Adds bytes at the end of a file, which is made if it does not exist; not durable yet. */
  append(path: string, content: Uint8Array, mode: number): void
  /** Makes what was appended to a file durable. */
  sync(path: string): void
  rename(from: string, to: string): void
  syncDirectory(path: string): void
  /** Creates a directory (and its parents), durable when it returns; existing is fine. */
  makeDirectory(path: string, mode: number): void
  /** File names in a directory, or undefined when there is no such directory. */
  list(path: string): readonly string[] | undefined
  /** Removes a file or a whole directory; missing is fine. */
  remove(path: string): void
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function orMissing<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function withFile(path: string, flags: string, mode: number, use: (fd: number) => void): void {
  const fd = openSync(path, flags, mode)
  try {
    use(fd)
  } finally {
    closeSync(fd)
  }
}

function writeAll(fd: number, content: Uint8Array): void {
  let written = 0
  while (written < content.length) written += writeSync(fd, content, written)
}

/** The real file system. */
export const diskFiles: FileSystem = {
  read: (path) => orMissing(() => readFileSync(path)),
  writeSynced(path, content, mode) {
    withFile(path, 'w', mode, (fd) => {
      fchmodSync(fd, mode)
      writeAll(fd, content)
      fsyncSync(fd)
    })
  },
  append(path, content, mode) {
    withFile(path, 'a', mode, (fd) => {
      writeAll(fd, content)
    })
  },
  sync(path) {
    withFile(path, 'r', 0, fsyncSync)
  },
  rename: renameSync,
  syncDirectory(path) {
    withFile(path, 'r', 0, fsyncSync)
  },
  makeDirectory(path, mode) {
    const first = mkdirSync(path, { recursive: true, mode })
    if (first === undefined) return
    chmodSync(path, mode)
    // The name of each new directory is in the one above it.
    for (let at = resolve(path); at !== dirname(resolve(first)); at = dirname(at)) {
      diskFiles.syncDirectory(dirname(at))
    }
  },
  list: (path) => orMissing(() => readdirSync(path)),
  remove: (path) => rmSync(path, { recursive: true, force: true }),
}

/** The name under which a file is written before it is renamed into place. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.new`)
}

/** Replaces a file as one step, durable when it returns. One writer per file. */
export function replaceFile(
  files: FileSystem,
  path: string,
  content: Uint8Array,
  mode: number,
): void {
  const temporary = temporaryName(path)
  files.writeSynced(temporary, content, mode)
  files.rename(temporary, path)
  files.syncDirectory(dirname(path))
}
