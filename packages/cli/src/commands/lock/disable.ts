// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock disable`.
 *
 * @module
 */

import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'
import { readSecret } from '../../secret-argument.ts'
import { parseDisablementSecret } from './key-arguments.ts'

/** Runs `lock disable`. */
export async function run({ io, args, local }: CommandContext): Promise<void> {
  const [argument] = args
  if (argument === undefined || args.length !== 1) {
    throw new CliError('usage', 'usage: signet lock disable <disablement-secret>')
  }
  const secret = parseDisablementSecret(await readSecret(argument, 'the disablement secret', io))
  await local.lock.disable(secret)
}
