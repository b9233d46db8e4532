// SPDX-License-Identifier: Apache-2.0

/**
 * `signet admin users`.
 *
 * @module
 */

import { UserRole, type AdminUser } from '@signet/protocol/admin-api'
import type { CommandContext } from '../../command.ts'
import { table } from '../../columns.ts'
import { CliError } from '../../errors.ts'
import { adminClient, printJson, takeArguments, when } from './connect.ts'

/** Runs `admin users create`. */
export async function create(context: CommandContext): Promise<void> {
  const [name = ''] = takeArguments(context, 1)
  const wanted = context.flags.text('role')
  show(
    context,
    await adminClient(context).createUser({
      name,
      ...(wanted !== '' && { role: parseRole(wanted) }),
    }),
  )
}

/** Runs `admin users list`. */
export async function list(context: CommandContext): Promise<void> {
  takeArguments(context, 0)
  const users = await adminClient(context).users()
  if (context.flags.switch('json')) {
    printJson(context, { users })
    return
  }
  const rows = users.map((user) => [String(user.id), user.name, user.role, when(user.createdAt)])
  context.io.out(table(['ID', 'NAME', 'ROLE', 'CREATED'], rows))
}

/** Runs `admin users rename`. */
export async function rename(context: CommandContext): Promise<void> {
  const [from = '', to = ''] = takeArguments(context, 2)
  show(context, await adminClient(context).changeUser(from, { name: to }))
}

/** Runs `admin users role`. */
export async function role(context: CommandContext): Promise<void> {
  const [name = '', wanted = ''] = takeArguments(context, 2)
  show(context, await adminClient(context).changeUser(name, { role: parseRole(wanted) }))
}

/** Runs `admin users delete`. */
export async function remove(context: CommandContext): Promise<void> {
  const [name = ''] = takeArguments(context, 1)
  await adminClient(context).deleteUser(name)
}

function parseRole(text: string): UserRole {
  const found = Object.values(UserRole).find((known) => known === text)
  if (found !== undefined) return found
  throw new CliError('usage', `"${text}" is not a role: owner, admin or member`)
}

function show(context: CommandContext, user: AdminUser): void {
  if (context.flags.switch('json')) printJson(context, user)
  else context.io.out(`user ${user.name} (${user.role})\n`)
}
