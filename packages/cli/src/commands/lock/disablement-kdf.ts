// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock disablement-kdf`.
 *
 * @module
 */

import { toHex } from '@signet/codec'
import { disablementValue } from '@signet/tka'
import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'
import { readSecret } from '../../secret-argument.ts'
import { parseHexArgument } from './key-arguments.ts'

/** Runs `lock disablement-kdf`. The official command takes bare hex; the prefix is allowed here. */
export async function run({ io, args }: CommandContext): Promise<void> {
  const [argument] = args
  if (argument === undefined || args.length !== 1) {
    throw new CliError(
      'usage',
      'usage: signet lock disablement-kdf <hex-encoded-disablement-secret>',
    )
  }
  const text = await readSecret(argument, 'the disablement secret', io)
  const secret = parseHexArgument(text.replace(/^disablement-secret:/, ''), 'disablement secret')
  io.out(`disablement:${toHex(await disablementValue(secret))}\n`)
}
