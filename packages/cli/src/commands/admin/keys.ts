// SPDX-License-Identifier: Apache-2.0

/**
 * `signet admin keys`: pre-auth keys.
 *
 * @module
 */

import type { PreAuthKey } from '@signet/protocol/admin-api'
import type { CommandContext } from '../../command.ts'
import { table } from '../../columns.ts'
import { parseDuration } from '../../duration.ts'
import { adminClient, listed, printJson, takeArguments, when } from './connect.ts'

/** Runs `admin keys create`. Standard output is the key and nothing else, fit for a file. */
export async function create(context: CommandContext): Promise<void> {
  takeArguments(context, 0)
  const { flags, io } = context
  const user = flags.text('user')
  const tags = flags.list('tags').map((tag) => (tag.startsWith('tag:') ? tag : `tag:${tag}`))
  const expiry = flags.text('expiry')
  const made = await adminClient(context).createKey({
    ...(user !== '' && { user }),
    ...(tags.length > 0 && { tags }),
    ...(expiry !== '' && { expiry: Math.round(parseDuration(expiry, 'expiry') / 1000) }),
    reusable: flags.switch('reusable'),
    ephemeral: flags.switch('ephemeral'),
    preApproved: flags.switch('pre-approved'),
  })
  if (flags.switch('json')) {
    printJson(context, made)
    return
  }
  io.out(`${made.key}\n`)
  io.err(`Key ${made.id}, valid until ${when(made.expiresAt)}. It will not be shown again.\n`)
}

/** Runs `admin keys list`. */
export async function list(context: CommandContext): Promise<void> {
  takeArguments(context, 0)
  const keys = await adminClient(context).keys()
  if (context.flags.switch('json')) {
    printJson(context, { keys })
    return
  }
  const rows = keys.map((key) => [
    key.id,
    key.user ?? listed(key.tags),
    kind(key),
    when(key.expiresAt),
    when(key.usedAt),
    state(key, context.io.now()),
  ])
  context.io.out(table(['ID', 'OWNER', 'KIND', 'EXPIRES', 'LAST USED', 'STATE'], rows))
}

/** Runs `admin keys revoke`. */
export async function revoke(context: CommandContext): Promise<void> {
  const [id = ''] = takeArguments(context, 1)
  await adminClient(context).revokeKey(id)
}

function kind(key: PreAuthKey): string {
  return [
    key.reusable ? 'reusable' : 'one-time',
    ...(key.ephemeral ? ['ephemeral'] : []),
    ...(key.preApproved ? ['pre-approved'] : []),
  ].join(',')
}

function state(key: PreAuthKey, now: number): string {
  if (key.revokedAt !== null) return 'revoked'
  if (key.expiresAt !== null && Date.parse(key.expiresAt) <= now) return 'expired'
  return key.usedAt !== null && !key.reusable ? 'used' : 'valid'
}
