// SPDX-License-Identifier: Apache-2.0

/**
 * Wrapping a pre-auth key: a fresh lock key signs for whoever holds the wrapped key, and becomes a
 * trusted key itself. It is thrown away here; only its signature stays.
 *
 * @module
 */

import { generateLockKey, lockPublicBytes, lockPublicOf, privateKeyText } from '@signet/keys'
import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'
import { during } from './during.ts'

/** Prints the wrapped form of the one key in `args`. @throws CliError usage, bad-input */
export async function wrapAuthKey(
  { io, local }: CommandContext,
  args: readonly string[],
): Promise<void> {
  const [authKey] = args
  if (authKey === undefined || args.length !== 1) {
    throw new CliError('usage', 'usage: lock tskey-wrap <pre-auth key>')
  }
  if (authKey.includes('--TL')) {
    throw new CliError('bad-input', 'Error: provided key was already wrapped')
  }
  const status = await local.status({ peers: false })
  const wrapper = generateLockKey()
  // The id is public; the part behind it is the secret and must not get into the metadata.
  const id = /^tskey-auth-([^-]+)-/.exec(authKey)?.[1]
  const meta = {
    purpose: 'pre-auth key',
    wrapper_stableid: status.Self?.ID ?? '',
    wrapper_createtime: String(Math.floor(io.now() / 1000)),
    ...(id !== undefined && { authkey_stableid: id }),
  }
  const wrapped = await during('wrapping failed: error', () =>
    local.lock.wrapAuthKey({ TSKey: authKey, TKAKey: privateKeyText(wrapper) }),
  )
  const key = { Kind: 1, Votes: 1, Public: lockPublicBytes(lockPublicOf(wrapper)), Meta: meta }
  await during('add key failed: error', () =>
    local.lock.modify({ AddKeys: [key], RemoveKeys: null }),
  )
  io.out(`${wrapped}\n`)
}
