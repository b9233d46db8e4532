// SPDX-License-Identifier: Apache-2.0

/**
 * `signet lock remove`. Order matters: nodes are signed again first, so that none is locked out in
 * between.
 *
 * @module
 */

import { equalBytes, toHex } from '@signet/codec'
import { lockPublicBytes, parseLockPublic } from '@signet/keys'
import type { LocalClient, LockKeyJson } from '@signet/protocol/local-api'
import type { CommandContext } from '../../command.ts'
import { CliError } from '../../errors.ts'
import { during } from './during.ts'
import { parseKeys } from './key-arguments.ts'

/** Runs `lock remove`. */
export async function run(context: CommandContext): Promise<void> {
  const { flags, args, local } = context
  const keys = parseKeys(args)
  const status = await local.lock.status()
  if (!status.Enabled) throw new CliError('failed', 'tailnet lock is not enabled')
  if (status.TrustedKeys?.length === 1) {
    throw new CliError(
      'failed',
      "cannot remove the last trusted signing key; use 'signet lock disable' to disable tailnet lock instead, or add another signing key before removing one",
    )
  }
  if (flags.switch('re-sign')) await resign(local, keys, parseLockPublic(status.PublicKey))
  else if (!(await confirmed(context))) return
  await local.lock.modify({ AddKeys: null, RemoveKeys: keys })
}

async function resign(
  local: LocalClient,
  keys: readonly LockKeyJson[],
  own: ReturnType<typeof parseLockPublic>,
): Promise<void> {
  const ownId = lockPublicBytes(own)
  if (keys.some((key) => key.Public !== null && equalBytes(key.Public, ownId))) {
    throw new CliError(
      'failed',
      'cannot remove local trusted signing key while resigning; run command on a different node or with --re-sign=false',
    )
  }
  const { decodeNodeKeySignature, parseSignedNodeKey, unverifiedWrappingPublic } =
    await import('@signet/tka')
  for (const key of keys) {
    const keyId = key.Public ?? new Uint8Array()
    const hex = toHex(keyId).toUpperCase()
    const signatures = await during(`affected sigs for key ${hex}: error`, () =>
      local.lock.affectedSignatures(keyId),
    )
    for (const bytes of signatures) {
      // The node has verified each: valid now, and made by this key.
      const signature = decodeNodeKeySignature(bytes)
      const nodeKey = parseSignedNodeKey(signature.pubkey ?? new Uint8Array())
      const rotation = unverifiedWrappingPublic(signature)
      // 32 zero bytes are how old programs wrote "none"; such a key would let anybody rotate.
      const usable = rotation !== null && rotation.some((byte) => byte !== 0) ? rotation : null
      await during(`failed to sign ${nodeKey}: error`, () =>
        local.lock.sign({ NodeKey: nodeKey, RotationPublic: usable }),
      )
    }
  }
}

async function confirmed({ io, flags }: CommandContext): Promise<boolean> {
  if (!io.interactive || flags.switch('yes')) return true
  io.err(`Warning
Removal of a signing key(s) without resigning nodes (--re-sign=false)
will cause any nodes signed by the given key(s) to be locked out
of the Signet network. Proceed with caution.
`)
  const answer = await io.ask('Are you sure you want to remove the signing key(s)? [y/n] ')
  if (/^y(es)?$/i.test(answer.trim())) return true
  io.out('aborting removal of signing key(s)\n')
  return false
}
