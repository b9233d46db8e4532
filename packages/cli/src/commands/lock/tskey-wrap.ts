// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock tskey-wrap`: the old name of `lock sign AUTH-KEY`.
 *
 * @module
 */

import type { CommandContext } from '../../command.ts'
import { readSecret } from '../../secret-argument.ts'
import { wrapAuthKey } from './wrap-auth-key.ts'

/** Runs `lock tskey-wrap`. */
export async function run(context: CommandContext): Promise<void> {
  const args: string[] = []
  for (const arg of context.args) args.push(await readSecret(arg, 'the pre-auth key', context.io))
  await wrapAuthKey(context, args)
}
