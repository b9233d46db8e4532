// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock add`. The node signs the update; it takes effect here when the server hands it back,
 * as on every other node.
 *
 * @module
 */

import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'
import { parseKeys } from './key-arguments.ts'

/** Runs `lock add`. */
export async function run({ args, local }: CommandContext): Promise<void> {
  const keys = parseKeys(args)
  const status = await local.lock.status()
  if (!status.Enabled) throw new CliError('failed', 'tailnet lock is not enabled')
  await local.lock.modify({ AddKeys: keys, RemoveKeys: null })
}
