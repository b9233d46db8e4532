// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock forgive`.
 *
 * @module
 */

import { parseNodePublic, type NodePublic } from '@signet/keys'
import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'

/** Runs `lock forgive NODEKEY`. */
export async function run({ args, local }: CommandContext): Promise<void> {
  const [text, ...rest] = args
  if (text === undefined || rest.length > 0) {
    throw new CliError('usage', 'signet lock forgive: expected one node key', {
      hint: 'Keys that are refused as replaced are listed by "signet lock".',
    })
  }
  await local.lock.forgive(nodeKeyOf(text))
}

function nodeKeyOf(text: string): NodePublic {
  try {
    return parseNodePublic(text)
  } catch (cause) {
    throw new CliError('bad-input', `Expected a node key (nodekey:...), got "${text}"`, { cause })
  }
}
