// SPDX-License-Identifier: Apache-2.0

/**
 * A node as maps show it. Two shapes: the record that peers get, the same for everybody and therefore made
 * once per change and remembered; and the record that the node itself gets, with its capabilities.
 *
 * @module
 */

import { toBase64 } from '@signet/codec'
import type { Attributes } from '../guidance/guidance.ts'
import { TAGGED_DEVICES_ID } from '../tailnet/users.ts'
import { parseHostinfo } from '../tailnet/hostinfo.ts'
import type { TailnetNode } from '../tailnet/node.ts'
import { approvedOf, isExitRoute } from '../tailnet/routes.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'

/** "No expiry" where a null would mean "unchanged". */
const NEVER = '0001-01-01T00:00:00Z'

/** A time as clients read it. */
export function wireTime(ms: number): string {
  return new Date(ms).toISOString()
}

const peerCache = new WeakMap<TailnetNode, string>()

/** The record that peers get, as JSON. Remembered for as long as the node's record lives. */
export function peerJson(tailnet: Tailnet, node: TailnetNode): string {
  let json = peerCache.get(node)
  if (json === undefined) {
    json = JSON.stringify(common(tailnet, node))
    peerCache.set(node, json)
  }
  return json
}

/**
 * The record that peers get in a change. It spells out what is empty: a client keeps its old value of a field
 * that it could patch and that is left out here.
 */
export function changedPeerJson(tailnet: Tailnet, node: TailnetNode): string {
  const { row } = node
  if (row.signature !== null && row.endpoints.length > 0) return peerJson(tailnet, node)
  return JSON.stringify({
    ...common(tailnet, node),
    KeySignature: row.signature === null ? '' : toBase64(row.signature),
    Endpoints: row.endpoints,
  })
}

/** The record that the node itself gets. No attribute replaces a capability of its own. */
export function selfJson(tailnet: Tailnet, node: TailnetNode, attributes: Attributes): string {
  return JSON.stringify({
    ...common(tailnet, node),
    Hostinfo: parseHostinfo(node.row.hostinfo),
    CapMap: { ...attributes, ...capabilities(tailnet, node) },
  })
}

/** What changed of a node since `clock`, as a patch, when a patch can say it; else null. */
export function patchJson(node: TailnetNode, clock: number): string | null {
  const { row, stamps, online } = node
  if (stamps.whole > clock) return null
  const patch: Record<string, unknown> = { NodeID: row.id }
  if (stamps.relay > clock) {
    // Zero means "unchanged" in a patch.
    if (row.homeRelay === 0) return null
    patch['DERPRegion'] = row.homeRelay
  }
  if (stamps.capability > clock) patch['Cap'] = row.capabilityVersion
  if (stamps.endpoints > clock) patch['Endpoints'] = row.endpoints
  const rekeyed = stamps.key > clock
  if (rekeyed) patch['Key'] = row.nodeKey
  // A new key without its signature would make every peer drop the node.
  if (rekeyed || stamps.signature > clock) {
    patch['KeySignature'] = row.signature === null ? '' : toBase64(row.signature)
  }
  if ((rekeyed || stamps.disco > clock) && row.discoKey !== null) patch['DiscoKey'] = row.discoKey
  if (stamps.online > clock) {
    patch['Online'] = online
    // Clients drop a patch whole that says offline with a disco key and a time that is not new to them.
    if (!online && row.lastSeenAt !== null && patch['DiscoKey'] === undefined) {
      patch['LastSeen'] = wireTime(row.lastSeenAt)
    }
  }
  if (rekeyed || stamps.expiry > clock) {
    patch['KeyExpiry'] = row.expiresAt === null ? NEVER : wireTime(row.expiresAt)
  }
  return JSON.stringify(patch)
}

function common(tailnet: Tailnet, node: TailnetNode): Record<string, unknown> {
  const { row } = node
  const addresses = [`${row.ipv4}/32`, `${row.ipv6}/128`]
  // Every exit node carries everything; of other routes there is one carrier at a time.
  const exits = approvedOf(row).filter(isExitRoute)
  return {
    ID: row.id,
    StableID: row.stableId,
    Name: `${row.name}.${tailnet.row.domain}.`,
    User: row.tags.length > 0 ? TAGGED_DEVICES_ID : row.userId,
    Key: row.nodeKey,
    ...(row.expiresAt !== null && { KeyExpiry: wireTime(row.expiresAt) }),
    ...(row.signature !== null && { KeySignature: toBase64(row.signature) }),
    Machine: row.machineKey,
    ...(row.discoKey !== null && { DiscoKey: row.discoKey }),
    Addresses: addresses,
    AllowedIPs: [...addresses, ...exits, ...node.primary],
    ...(row.endpoints.length > 0 && { Endpoints: row.endpoints }),
    ...(row.homeRelay > 0 && { HomeDERP: row.homeRelay }),
    // Written whole: the text is JSON already.
    Hostinfo: parseHostinfo(node.shown),
    Created: wireTime(row.createdAt),
    Cap: row.capabilityVersion,
    ...(row.tags.length > 0 && { Tags: row.tags }),
    ...(node.primary.length > 0 && { PrimaryRoutes: node.primary }),
    ...(!node.online && row.lastSeenAt !== null && { LastSeen: wireTime(row.lastSeenAt) }),
    Online: node.online,
    MachineAuthorized: true,
    // Lets clients pick it when they are asked for a good exit node.
    ...(exits.length > 0 && { CapMap: { 'suggest-exit-node': null } }),
  }
}

/** Capabilities of a node's own record. The lock is never switched off by leaving its capability out. */
function capabilities(tailnet: Tailnet, node: TailnetNode): Record<string, unknown> {
  const role = node.row.tags.length > 0 ? undefined : tailnet.users.get(node.row.userId)?.role
  return {
    'https://tailscale.com/cap/tailnet-lock': null,
    'https://tailscale.com/cap/file-sharing': null,
    'https://tailscale.com/cap/ssh': null,
    'tailnet-display-name': [tailnet.row.name],
    ...((role === 'owner' || role === 'admin') && { 'https://tailscale.com/cap/is-admin': null }),
    ...(role === 'owner' && { 'https://tailscale.com/cap/is-owner': null }),
  }
}
