// SPDX-License-Identifier: Apache-2.0

/**
 * The key that the relays of a region share, from its file. Who has it may read and send for every client, so a
 * file that others can read is refused.
 *
 * @module
 */

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { parseDerpMeshKey } from '@signet/keys'
import type { DerpMeshKey } from '@signet/keys'
import { ControlError } from '../errors.ts'

/** Returns the key in a file of 64 hex digits. @throws ControlError 'bad-config' */
export function loadMeshKey(path: string): DerpMeshKey {
  const text = readPrivate(path)
  try {
    return parseDerpMeshKey(text)
  } catch {
    // Not the cause: it might quote the key.
    throw new ControlError(
      'bad-config',
      `Cannot use ${path}: expected 64 hex digits (mesh_key_file)`,
    )
  }
}

function readPrivate(path: string): string {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (cause) {
    throw new ControlError('bad-config', `Cannot read ${path} (mesh_key_file)`, { cause })
  }
  try {
    const mode = fstatSync(file).mode & 0o777
    if ((mode & 0o077) !== 0) {
      const found = `mode ${mode.toString(8)}, expected 600`
      throw new ControlError('bad-config', `Cannot use ${path}: ${found} (mesh_key_file)`)
    }
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}
