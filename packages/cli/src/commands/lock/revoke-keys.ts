// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock revoke-keys`: draft, co-sign, finish. The blob in between is an update in hex.
 *
 * @module
 */

import { fromHex, toHex } from '@signet/codec'
import { aumHashFromBytes, aumHashText, decodeAum, parseAumHash } from '@signet/tka'
import type { CommandContext } from '../../command.ts'
import { CliError, reasonOf } from '../../errors.ts'
import { readSecret } from '../../secret-argument.ts'
import { during } from './during.ts'
import { parseHexArgument, parseKeys } from './key-arguments.ts'

/** Runs `lock revoke-keys`. */
export async function run(context: CommandContext): Promise<void> {
  const { io, flags, args, local } = context
  const cosign = flags.switch('cosign')
  const finish = flags.switch('finish')
  if (!cosign && !finish) {
    await draft(context)
    return
  }
  const [argument] = args
  if (argument === undefined || args.length !== 1) {
    throw new CliError(
      'usage',
      'usage: signet lock revoke-keys [--cosign] [--finish] <recovery-blob>',
    )
  }
  const update = readBlob(await readSecret(argument, 'the recovery blob', io))
  if (cosign) {
    const signed = await during('co-signing recovery AUM failed: sending cosign-recovery-aum', () =>
      local.lock.cosignRecovery(update),
    )
    const blob = toHex(signed).toUpperCase()
    io.out(`Co-signing completed successfully.

To accumulate an additional signature, run the following command on another machine with a trusted tailnet lock key:
\tsignet lock revoke-keys --cosign ${blob}

Alternatively if you are done with co-signing, complete recovery by running the following command:
\tsignet lock revoke-keys --finish ${blob}
`)
  }
  if (finish) {
    await during('submitting recovery AUM failed: sending cosign-recovery-aum', () =>
      local.lock.submitRecovery(update),
    )
    io.out('Recovery completed.\n')
  }
}

async function draft({ io, flags, args, local }: CommandContext): Promise<void> {
  const keys = parseKeys(args)
  const from = flags.text('fork-from')
  const update = await during(
    'generation of recovery AUM failed: sending generate-recovery-aum',
    () =>
      local.lock.generateRecovery({
        Keys: keys.map((key) => key.Public),
        ForkFrom: from === '' ? '' : hashText(from),
      }),
  )
  io.out(`Run the following command on another machine with a trusted tailnet lock key:
\tsignet lock revoke-keys --cosign ${toHex(update).toUpperCase()}
`)
}

/** Returns a hash, given in base32 or in hex, in base32. @throws CliError bad-input */
function hashText(text: string): string {
  try {
    return text.length === 64
      ? aumHashText(aumHashFromBytes(fromHex(text.toLowerCase())))
      : aumHashText(parseAumHash(text))
  } catch (cause) {
    throw new CliError('bad-input', `invalid fork-from hash: ${reasonOf(cause)}`, { cause })
  }
}

function readBlob(text: string): Uint8Array {
  const bytes = parseHexArgument(text, 'hex')
  try {
    decodeAum(bytes)
  } catch (cause) {
    throw new CliError('bad-input', `decoding recovery AUM: ${reasonOf(cause)}`, { cause })
  }
  return bytes
}
