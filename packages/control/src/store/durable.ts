// SPDX-License-Identifier: Apache-2.0

/**
 * Files that are there whole, or as they were before, whenever the power goes.
 *
 * @module
 */

import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Replaces a file, for its owner only. @throws Error what the disk said; then the file is as it was */
export function replaceFile(path: string, text: string): void {
  const next = `${path}.new`
  writeFileSync(next, text, { mode: 0o600, flush: true })
  renameSync(next, path)
  syncToDisk(dirname(path))
}

/** Waits until a file, or what a directory lists, is on the disk. @throws Error what the disk said */
export function syncToDisk(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
