// SPDX-License-Identifier: Apache-2.0

/**
 * `signet version`.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import type { CommandContext } from '../command.ts'
import { CliError } from '../errors.ts'

/** Runs `version`. */
export async function run({ io, flags, args, local }: CommandContext): Promise<void> {
  if (args.length > 0) throw new CliError('usage', 'signet version: unexpected argument')
  const own = programVersion()
  const daemon = flags.switch('daemon') ? (await local.status({ peers: false })).Version : undefined
  if (flags.switch('json')) {
    const report = {
      majorMinorPatch: own,
      short: own,
      long: own,
      ...(daemon !== undefined && { daemonLong: daemon }),
    }
    io.out(`${JSON.stringify(report, null, '\t')}\n`)
    return
  }
  if (daemon === undefined) {
    io.out(`${own}\n`)
    return
  }
  io.out(`Client: ${own}\nDaemon: ${daemon}\n`)
}

/** Returns the version in this package's manifest. */
export function programVersion(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  )
  const version: unknown =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest
      ? manifest.version
      : ''
  return typeof version === 'string' ? version : ''
}
