// SPDX-License-Identifier: Apache-2.0

/**
 * The authority's log on disk: `lock/updates.log`. What is in it is the authority package's
 * business; here are the files, each step of which a test can be the last one.
 *
 * @module
 */

import { dirname, join } from 'node:path'
import { createLogStore, openLogStore, type AumStore, type LogFile } from '@signet/tka'
import { replaceFile, type FileSystem } from '../durable-file.ts'

const logName = 'updates.log'
const mode = 0o600

/** True when there is a store in the directory, in whatever condition. */
export function hasFileStore(files: FileSystem, directory: string): boolean {
  return files.list(directory)?.includes(logName) ?? false
}

/**
 * Creates a store in a directory that exists and has none.
 *
 * @throws TkaError store-not-empty, store-write
 */
export function createFileStore(files: FileSystem, directory: string, now: () => number): AumStore {
  return createLogStore(logFile(files, join(directory, logName)), { now })
}

/**
 * Opens the store in a directory.
 *
 * @throws TkaError store-missing, store-damaged, store-write
 */
export function openFileStore(files: FileSystem, directory: string, now: () => number): AumStore {
  return openLogStore(logFile(files, join(directory, logName)), { now })
}

function logFile(files: FileSystem, path: string): LogFile {
  return {
    read: () => files.read(path) ?? null,
    append(bytes) {
      files.append(path, bytes, mode)
    },
    sync() {
      files.sync(path)
      // The name itself may be as new as the bytes.
      files.syncDirectory(dirname(path))
    },
    replace(bytes) {
      replaceFile(files, path, bytes, mode)
    },
  }
}
