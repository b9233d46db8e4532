// SPDX-License-Identifier: Apache-2.0

/**
 * What changed in a tailnet since a moment, as parts of a message. Made once for all sessions that stand at
 * the same moment; each leaves out what concerns itself.
 *
 * @module
 */

import type { NodeRow } from '../store/rows.ts'
import { TAGGED_DEVICES_ID } from '../tailnet/users.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { changedPeerJson, patchJson } from './node-json.ts'

/** The changes after one moment, up to now. */
export interface Delta {
  /** The version that a session has after receiving it. */
  readonly to: number
  /** Whole records of nodes that came, or changed in a way that no patch can say. */
  readonly changed: ReadonlyMap<number, string>
  readonly patches: ReadonlyMap<number, string>
  readonly removed: readonly number[]
  readonly profiles: readonly string[]
  /** Has clients build everything anew, without which they do not show a user's new name; null when not needed. */
  readonly domain: string | null
}

/** Computes the changes since `from`; null when they are no longer known and everything must be sent. */
export function deltaSince(tailnet: Tailnet, from: number): Delta | null {
  const slice = tailnet.journal.since(from)
  if (slice === null) return null
  const changed = new Map<number, string>()
  const patches = new Map<number, string>()
  const owners = new Set<number>()
  for (const id of slice.changed) {
    const node = tailnet.nodes.get(id)
    if (node === undefined) continue
    const patch = patchJson(node, from)
    if (patch !== null) {
      patches.set(id, patch)
      continue
    }
    changed.set(id, changedPeerJson(tailnet, node))
    owners.add(ownerOf(node.row))
  }
  const users = [...tailnet.users.keys()].filter((id) => tailnet.userStamp(id) > from)
  for (const id of users) owners.add(id)
  return {
    to: tailnet.version,
    changed,
    patches,
    removed: slice.removed,
    profiles: [...owners].flatMap((id) => profileJson(tailnet, id) ?? []),
    domain:
      users.length > 0 || hasFirstNode(tailnet, changed, owners)
        ? JSON.stringify(tailnet.row.name)
        : null,
  }
}

/** Whether one of these owners has no node but those that changed: clients forget users without nodes. */
function hasFirstNode(
  tailnet: Tailnet,
  changed: ReadonlyMap<number, string>,
  owners: ReadonlySet<number>,
): boolean {
  const unknown = new Set(owners)
  for (const [id, { row }] of tailnet.nodes) {
    if (unknown.size === 0) return false
    if (!changed.has(id)) unknown.delete(ownerOf(row))
  }
  return unknown.size > 0
}

/** The user that clients are shown as owner of a node. */
function ownerOf(row: NodeRow): number {
  return row.tags.length > 0 ? TAGGED_DEVICES_ID : row.userId
}

/** What a session adds of its own. */
export interface OwnParts {
  /** The node that the frame is for; nothing about it goes into the lists of peers. */
  readonly viewer: number
  readonly self: string | null
  readonly lock: string | null
}

/** Puts a message together; null when there is nothing to say. */
export function composeDelta(delta: Delta, own: OwnParts): string | null {
  const parts: string[] = []
  if (own.self !== null) parts.push(`"Node":${own.self}`)
  pushList(parts, 'PeersChanged', valuesWithout(delta.changed, own.viewer))
  if (delta.removed.length > 0) parts.push(`"PeersRemoved":${JSON.stringify(delta.removed)}`)
  pushList(parts, 'PeersChangedPatch', valuesWithout(delta.patches, own.viewer))
  pushList(parts, 'UserProfiles', delta.profiles)
  if (delta.domain !== null) parts.push(`"Domain":${delta.domain}`)
  if (own.lock !== null) parts.push(`"TKAInfo":${own.lock}`)
  return parts.length === 0 ? null : `{${parts.join(',')}}`
}

/** Whether a delta says anything about this node. */
export function concerns(delta: Delta, id: number): boolean {
  return delta.changed.has(id) || delta.patches.has(id)
}

/** A user's profile as JSON. */
export function profileJson(tailnet: Tailnet, id: number): string | null {
  if (id === TAGGED_DEVICES_ID) {
    return JSON.stringify({ ID: id, LoginName: 'tagged-devices', DisplayName: 'Tagged Devices' })
  }
  const user = tailnet.users.get(id)
  if (user === undefined) return null
  return JSON.stringify({ ID: id, LoginName: user.name, DisplayName: user.name })
}

function pushList(parts: string[], name: string, items: readonly string[]): void {
  if (items.length > 0) parts.push(`"${name}":[${items.join(',')}]`)
}

function valuesWithout(map: ReadonlyMap<number, string>, id: number): readonly string[] {
  if (!map.has(id)) return [...map.values()]
  return [...map].filter(([key]) => key !== id).map(([, json]) => json)
}
