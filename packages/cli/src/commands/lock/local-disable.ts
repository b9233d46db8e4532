// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock local-disable`.
 *
 * @module
 */

import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'

/** Runs `lock local-disable`. */
export async function run({ args, local }: CommandContext): Promise<void> {
  if (args.length > 0) throw new CliError('usage', 'signet lock local-disable: unexpected argument')
  await local.lock.localDisable()
}
