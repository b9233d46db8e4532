// SPDX-License-Identifier: Apache-2.0

/**
 * A copy of a running server's state, from which a server can start.
 *
 * The database is copied page by page while it is in use, and is of one moment; keys are files that do not
 * change. The copy appears under its name when it is whole.
 *
 * @module
 */

import { chmodSync, closeSync, openSync } from 'node:fs'
import { cp, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { ControlError } from '../errors.ts'
import { syncToDisk } from './durable.ts'

/** What there is beside the database: identity, policy, certificates. */
const BESIDE: readonly string[] = ['noise.key', 'derp.key', 'policy.json', 'acme']

/**
 * Copies the state in `stateDir` to `directory`, which must not exist yet and is an absolute path. Returns the
 * names of what was copied.
 *
 * @throws ControlError `bad-request`, `conflict` if it exists, `store-failed`
 */
export async function backUp(stateDir: string, directory: string): Promise<readonly string[]> {
  if (!isAbsolute(directory)) {
    throw new ControlError('bad-request', 'Cannot back up: the directory must be an absolute path')
  }
  if (await exists(directory)) {
    throw new ControlError('conflict', `Cannot back up to ${directory}: it exists already`)
  }
  const partial = `${directory}.partial`
  try {
    await mkdir(partial, { mode: 0o700 })
  } catch (cause) {
    throw failed(directory, cause)
  }
  try {
    const names = ['signet.db', ...(await copyFiles(stateDir, partial))]
    await copyDatabase(join(stateDir, 'signet.db'), join(partial, 'signet.db'))
    syncToDisk(partial)
    await rename(partial, directory)
    syncToDisk(dirname(directory))
    return names
  } catch (cause) {
    await rm(partial, { recursive: true, force: true })
    throw failed(directory, cause)
  }
}

async function copyDatabase(from: string, to: string): Promise<void> {
  // Created by us, so that it is never readable by others, not even for an instant.
  closeSync(openSync(to, 'wx', 0o600))
  const source = new DatabaseSync(from, { readOnly: true })
  try {
    await backup(source, to)
  } finally {
    source.close()
  }
  chmodSync(to, 0o600)
  syncToDisk(to)
}

async function copyFiles(from: string, to: string): Promise<string[]> {
  const there = new Set(await readdir(from))
  const names = BESIDE.filter((name) => there.has(name))
  for (const name of names) {
    await cp(join(from, name), join(to, name), { recursive: true, errorOnExist: true })
    if ((await stat(join(to, name))).isFile()) syncToDisk(join(to, name))
  }
  return names
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch {
    return false
  }
}

function failed(directory: string, cause: unknown): ControlError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new ControlError('store-failed', `Cannot back up to ${directory}: ${reason}`, { cause })
}
