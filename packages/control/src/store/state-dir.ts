// SPDX-License-Identifier: Apache-2.0

/**
 * The state directory: mode 0700, and one server at a time.
 *
 * Two servers on one database would each believe their own memory. The guard is a lock on a file of its own,
 * held by the operating system for as long as the process lives, so a killed server never leaves it behind.
 *
 * @module
 */

import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ControlError } from '../errors.ts'

/** Creates the directory when needed and takes it. @throws ControlError 'state-dir' */
export function claimStateDir(stateDir: string): Disposable {
  const path = join(stateDir, 'signet.lock')
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    closeSync(openSync(path, 'a', 0o600))
    const lock = new DatabaseSync(path)
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return { [Symbol.dispose]: () => lock.close() }
  } catch (cause) {
    const busy = cause instanceof Error && cause.message.includes('locked')
    throw new ControlError(
      'state-dir',
      busy
        ? `Cannot use ${stateDir}: another server is running on it`
        : `Cannot use ${stateDir}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}
