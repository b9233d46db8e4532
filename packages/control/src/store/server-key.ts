// SPDX-License-Identifier: Apache-2.0

/**
 * The server's own keys: each a file of its own, mode 0600, never in the database.
 *
 * Clients learn the public half once and keep it: a changed key locks out running clients. So the file is
 * written by rename after an fsync, and a file that cannot be read is an error, never a reason to make
 * another key.
 *
 * @module
 */

import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  generateMachineKey,
  generateNodeKey,
  parseMachinePrivate,
  parseNodePrivate,
  privateKeyText,
} from '@signet/keys'
import type { MachinePrivate, NodePrivate, PrivateKey } from '@signet/keys'
import { ControlError } from '../errors.ts'
import { replaceFile } from './durable.ts'

/** Returns the key in `DIR/noise.key`, making it on the first start. @throws ControlError 'state-dir' */
export function loadServerKey(stateDir: string): MachinePrivate {
  const path = join(stateDir, 'noise.key')
  return loadKey(path, 'machine', generateMachineKey, parseMachinePrivate)
}

/** Returns the relay's key in `DIR/derp.key`, making it on the first start. @throws ControlError 'state-dir' */
export function loadRelayKey(stateDir: string): NodePrivate {
  return loadKey(join(stateDir, 'derp.key'), 'relay', generateNodeKey, parseNodePrivate)
}

function loadKey<K extends 'machine' | 'node'>(
  path: string,
  name: string,
  generate: () => PrivateKey<K>,
  parse: (text: string) => PrivateKey<K>,
): PrivateKey<K> {
  const text = readIfPresent(path)
  if (text === undefined) {
    const key = generate()
    replaceFile(path, `${privateKeyText(key)}\n`)
    return key
  }
  try {
    chmodSync(path, 0o600)
    return parse(text.trim())
  } catch (cause) {
    throw new ControlError('state-dir', `Cannot use ${path}: it does not hold a ${name} key`, {
      cause,
    })
  }
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new ControlError('state-dir', `Cannot read ${path}`, { cause })
  }
}
