// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock repair`.
 *
 * @module
 */

import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'

/** Runs `lock repair`. */
export async function run({ args, local, io }: CommandContext): Promise<void> {
  if (args.length > 0) throw new CliError('usage', 'signet lock repair: unexpected argument')
  await local.lock.repair()
  io.out('The lock is in order again. "signet lock" shows its state.\n')
}
