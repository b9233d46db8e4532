// SPDX-License-Identifier: Apache-2.0

/**
 * `signet set`.
 *
 * @module
 */

import type { CommandContext } from '../command.ts'
import { CliError } from '../errors.ts'
import { prefsFromFlags } from './pref-flags.ts'

/** Runs `set`. */
export async function run({ command, flags, args, local }: CommandContext): Promise<void> {
  if (args.length > 0) throw new CliError('usage', 'signet set: unexpected argument')
  const change = prefsFromFlags(command, flags)
  if (Object.keys(change).length === 0) {
    throw new CliError('usage', 'signet set: nothing to change', {
      hint: 'Run "signet set --help" to see what can be set.',
    })
  }
  await local.changePrefs(change)
}
