// SPDX-License-Identifier: Apache-2.0

/**
 * `signet admin backup`.
 *
 * @module
 */

import { resolve } from 'node:path'
import type { CommandContext } from '../../command.ts'
import { adminClient, printJson, takeArguments } from './connect.ts'

/** Runs `admin backup`. */
export async function run(context: CommandContext): Promise<void> {
  const [given = ''] = takeArguments(context, 1)
  const directory = resolve(given)
  const files = await adminClient(context).backUp(directory)
  if (context.flags.switch('json')) printJson(context, { directory, files })
  else context.io.out(`Backed up to ${directory}: ${files.join(', ')}\n`)
}
