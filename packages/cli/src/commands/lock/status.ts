// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock status`, also plain `signet lock`.
 *
 * @module
 */

import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'

/** Runs `lock status`. */
export async function run({ io, flags, args, local }: CommandContext): Promise<void> {
  if (args.length > 0) throw new CliError('usage', 'signet lock status: unexpected argument')
  const version = flags.version('json')
  const status = await local.lock.status()
  if (version === 0) {
    const { lockStatusText } = await import('./render-status.ts')
    io.out(lockStatusText(status))
    return
  }
  const { checkSchemaVersion, lockStatusJson } = await import('./json-v1.ts')
  checkSchemaVersion(version)
  io.out(lockStatusJson(status))
}
