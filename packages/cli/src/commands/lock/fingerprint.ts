// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock fingerprint`.
 *
 * @module
 */

import { toBase32 } from '@signet/codec'
import type { LocalClient } from '@signet/protocol/local-api'
import { decodeAum } from '@signet/tka'
import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'
import { groupedFingerprint } from './fingerprint-text.ts'

/** Runs `lock fingerprint`. */
export async function run({ io, flags, args, local }: CommandContext): Promise<void> {
  if (args.length > 0) throw new CliError('usage', 'signet lock fingerprint: unexpected argument')
  const status = await local.lock.status()
  if (!status.Enabled) throw new CliError('failed', 'tailnet lock is not enabled')
  const genesis = status.Signet?.Genesis || (await genesisFromLog(local))
  const pinned = status.Signet?.Pinned ?? false
  if (flags.switch('json')) {
    io.out(`${JSON.stringify({ Fingerprint: genesis, Pinned: pinned }, null, 2)}\n`)
    return
  }
  io.out(`${genesis}\n`)
  io.err(`To read out: ${groupedFingerprint(genesis)}\n`)
  io.err(`To pin on a new node: signet up --pin ${genesis} ...\n`)
  if (!pinned) {
    io.err(
      'This node was not pinned: it trusted the lock that the server showed it first. Compare with a signer.\n',
    )
  }
}

/** An official daemon does not say it; its log does, while the first update is still stored. */
async function genesisFromLog(local: LocalClient): Promise<string> {
  const first = (await local.lock.log(1_000_000)).at(-1)
  const prev = first === undefined ? undefined : decodeAum(first.Raw).prev
  if (first === undefined || prev === undefined || (prev !== null && prev.length > 0)) {
    throw new CliError(
      'failed',
      'Cannot tell the fingerprint: this node no longer stores the first update',
      {
        hint: 'Ask on a node that has not compacted its history.',
      },
    )
  }
  return toBase32(first.Hash)
}
