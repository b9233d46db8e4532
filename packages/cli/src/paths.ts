// SPDX-License-Identifier: Apache-2.0

/**
 * Where things are when nobody says so.
 *
 * @module
 */

import { join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** Returns the node's state directory: /var/lib/signet for root, else under $XDG_STATE_HOME. */
export function defaultNodeDir(env: Environment): string {
  if (process.getuid?.() === 0) return '/var/lib/signet'
  const home = env['HOME'] ?? '.'
  const state = env['XDG_STATE_HOME'] ?? ''
  return join(state === '' ? join(home, '.local', 'state') : state, 'signet')
}

/** Returns the server's state directory, beside the node's. */
export function defaultServerDir(env: Environment): string {
  return join(defaultNodeDir(env), 'server')
}

/** Returns the node's socket in its state directory. */
export function nodeSocket(dir: string): string {
  return join(dir, 'node.sock')
}

/** Returns the server's admin socket in its state directory. */
export function adminSocket(dir: string): string {
  return join(dir, 'admin.sock')
}
