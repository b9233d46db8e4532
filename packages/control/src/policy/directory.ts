// SPDX-License-Identifier: Apache-2.0

/**
 * The tailnet as policies see it: who owns which node, its tags, addresses and approved routes.
 *
 * @module
 */

import type { NodeRow, Role } from '../store/rows.ts'
import type { IpPrefix } from '@signet/protocol'
import { approvedOf } from '../tailnet/routes.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { readPrefix } from './prefixes.ts'

/** One node, as policies see it. */
export interface DirectoryNode {
  readonly id: number
  /** Null when it is tagged: it belongs to nobody then. */
  readonly user: { readonly id: number; readonly name: string; readonly role: Role } | null
  readonly tags: readonly string[]
  readonly addresses: readonly string[]
  readonly own: readonly IpPrefix[]
  /** Routes that it advertises and that were approved. */
  readonly routes: readonly IpPrefix[]
}

/** All nodes at one moment. A new object for every moment: what follows from it is remembered by it. */
export interface Directory {
  readonly nodes: ReadonlyMap<number, DirectoryNode>
}

/** The directory of a tailnet, now. */
export function directoryOf(tailnet: Tailnet): Directory {
  const nodes = new Map<number, DirectoryNode>()
  for (const [id, { row }] of tailnet.nodes) nodes.set(id, directoryNode(tailnet, row))
  return { nodes }
}

/** One node of the directory. */
export function directoryNode(tailnet: Tailnet, row: NodeRow): DirectoryNode {
  const user = row.tags.length > 0 ? undefined : tailnet.users.get(row.userId)
  return {
    id: row.id,
    user: user === undefined ? null : { id: user.id, name: user.name, role: user.role },
    tags: row.tags,
    addresses: [row.ipv4, row.ipv6],
    own: [row.ipv4, row.ipv6].flatMap((address) => readPrefix(address) ?? []),
    routes: approvedOf(row).flatMap((route) => readPrefix(route) ?? []),
  }
}

/** A text that differs when a change of the node may concern the policy. */
export function policyKey(tailnet: Tailnet, row: NodeRow): string {
  const user = row.tags.length > 0 ? undefined : tailnet.users.get(row.userId)
  return JSON.stringify([user?.id, row.tags, row.ipv4, row.ipv6, approvedOf(row)])
}
