// SPDX-License-Identifier: Apache-2.0

/**
 * Users and what they may do. The first user of a tailnet is its owner.
 *
 * @module
 */

import { ControlError } from '../errors.ts'
import type { NodeRow, Role, UserRow } from '../store/rows.ts'
import type { Tailnet } from './tailnet.ts'

/** The user that clients are shown as owner of every tagged node. No real user gets this number. */
export const TAGGED_DEVICES_ID: number = 2 ** 31 - 1

/** The role by which a node acts: its user's, and none when it is tagged. */
export function roleOf(tailnet: Tailnet, node: NodeRow): Role | 'tagged' {
  if (node.tags.length > 0) return 'tagged'
  return tailnet.users.get(node.userId)?.role ?? 'member'
}

/** Whether a node may change the tailnet lock: decided here, by the server's own record of its user. */
export function mayAdministerLock(tailnet: Tailnet, node: NodeRow): boolean {
  const role = roleOf(tailnet, node)
  return role === 'owner' || role === 'admin'
}

/** Finds a user by name. @throws ControlError 'not-found' */
export function findUser(tailnet: Tailnet, name: string): UserRow {
  for (const user of tailnet.users.values()) if (user.name === name) return user
  throw new ControlError('not-found', `No user named ${JSON.stringify(name)}`)
}

/** Adds a user. Without a role, the first is the owner and the others are members. */
export function addUser(
  tailnet: Tailnet,
  name: string,
  role: Role | undefined,
  now: number,
): UserRow {
  for (const user of tailnet.users.values()) {
    if (user.name === name) {
      throw new ControlError('conflict', `There is a user named ${JSON.stringify(name)} already`)
    }
  }
  const row: UserRow = {
    id: tailnet.ids.user(),
    tailnetId: tailnet.row.id,
    name,
    role: role ?? (tailnet.users.size === 0 ? 'owner' : 'member'),
    createdAt: now,
  }
  tailnet.write((draft) => draft.putUser(row))
  return row
}

/** The owner, made when the tailnet has no user at all. */
export function defaultUser(tailnet: Tailnet, now: number): UserRow {
  for (const user of tailnet.users.values()) if (user.role === 'owner') return user
  return addUser(tailnet, 'owner', 'owner', now)
}

/** Changes a user's name or role. The last owner stays one. */
export function changeUser(
  tailnet: Tailnet,
  user: UserRow,
  change: { readonly name?: string | undefined; readonly role?: Role | undefined },
): UserRow {
  const row: UserRow = { ...user, name: change.name ?? user.name, role: change.role ?? user.role }
  for (const other of tailnet.users.values()) {
    if (other.id !== row.id && other.name === row.name) {
      throw new ControlError(
        'conflict',
        `There is a user named ${JSON.stringify(row.name)} already`,
      )
    }
  }
  if (user.role === 'owner' && row.role !== 'owner' && ownersOf(tailnet) === 1) {
    throw new ControlError('conflict', 'Cannot change the role of the last owner')
  }
  tailnet.write((draft) => draft.putUser(row))
  return row
}

/** Removes a user who has no nodes, with the pre-auth keys made for them. */
export function removeUser(tailnet: Tailnet, user: UserRow): void {
  const nodes = [...tailnet.nodes.values()].filter((node) => node.row.userId === user.id)
  if (nodes.length > 0) {
    throw new ControlError(
      'conflict',
      `Cannot delete user ${JSON.stringify(user.name)}: ${nodes.length} nodes belong to them`,
    )
  }
  if (user.role === 'owner' && ownersOf(tailnet) === 1) {
    throw new ControlError('conflict', 'Cannot delete the last owner')
  }
  tailnet.write((draft) => {
    for (const key of tailnet.preAuthKeys.values()) {
      if (key.userId === user.id) draft.deleteKey(key.id)
    }
    draft.deleteUser(user.id)
  })
}

function ownersOf(tailnet: Tailnet): number {
  return [...tailnet.users.values()].filter((user) => user.role === 'owner').length
}
