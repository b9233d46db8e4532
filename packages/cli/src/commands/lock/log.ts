// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock log`.
 *
 * @module
 */

import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'

/** What `--limit 0` asks for. Far above any chain that official nodes can open. */
const noLimit = 1_000_000

/** Runs `lock log`. */
export async function run({ io, flags, args, local }: CommandContext): Promise<void> {
  if (args.length > 0) throw new CliError('usage', 'signet lock log: unexpected argument')
  const version = flags.version('json')
  const status = await local.lock.status()
  if (!status.Enabled) throw new CliError('failed', 'Tailnet Lock is not enabled')
  const updates = await local.lock.log(flags.number('limit') || noLimit)
  if (version === 0) {
    const { lockLogText } = await import('./render-log.ts')
    io.out(lockLogText(updates, io.colour))
    return
  }
  const { checkSchemaVersion, lockLogJson } = await import('./json-v1.ts')
  checkSchemaVersion(version)
  io.out(lockLogJson(updates))
}
