// SPDX-License-Identifier: Apache-2.0

/**
 * `signet logout`.
 *
 * @module
 */

import type { CommandContext } from '../command.ts'
import { CliError } from '../errors.ts'

/** Runs `logout`. */
export async function run({ args, local }: CommandContext): Promise<void> {
  if (args.length > 0) throw new CliError('usage', 'signet logout: unexpected argument')
  await local.logout()
}
