// SPDX-License-Identifier: Apache-2.0

/**
 * `signet down`.
 *
 * @module
 */

import { BackendState } from '@signet/protocol/local-api'
import type { CommandContext } from '../command.ts'
import { CliError } from '../errors.ts'

/** Runs `down`. */
export async function run({ io, args, local }: CommandContext): Promise<void> {
  if (args.length > 0) throw new CliError('usage', 'signet down: unexpected argument')
  const status = await local.status({ peers: false })
  if (status.BackendState === BackendState.Stopped) {
    io.err('Signet was already stopped.\n')
    return
  }
  await local.changePrefs({ WantRunning: false })
}
