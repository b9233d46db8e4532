// SPDX-License-Identifier: Apache-2.0

/**
 * The network map of one stream: messages merged into what the server says now. Nothing in it is
 * verified; it goes to the gate.
 *
 * @module
 */

import type { ControlNode, DNSConfig, MapResponse, PeerChange, UserProfile } from '@signet/protocol'

/** What the server says. Nodes are never changed in place: a changed node is another object. */
export type Netmap = {
  readonly self: ControlNode | null
  readonly peers: readonly ControlNode[]
  readonly users: ReadonlyMap<number, UserProfile>
  readonly domain: string
  readonly dns: DNSConfig | null
}

/** Merges the messages of one stream. */
export type NetmapSession = { apply(message: MapResponse): Netmap }

/** Creates a session that has heard nothing. */
export function createNetmapSession(): NetmapSession {
  let self: ControlNode | null = null
  let peers = new Map<number, ControlNode>()
  const users = new Map<number, UserProfile>()
  let domain = ''
  let dns: DNSConfig | null = null
  return {
    apply(message) {
      self = message.Node ?? self
      domain = message.Domain ?? domain
      dns = message.DNSConfig ?? dns
      for (const user of message.UserProfiles ?? []) users.set(user.ID, user)
      if (message.Peers && message.Peers.length > 0) {
        peers = new Map(message.Peers.flatMap((node) => (node ? [[node.ID, node]] : [])))
      } else {
        applyChanges(peers, message)
      }
      return { self, peers: [...peers.values()], users, domain, dns }
    },
  }
}

function applyChanges(peers: Map<number, ControlNode>, message: MapResponse): void {
  for (const id of message.PeersRemoved ?? []) peers.delete(id)
  for (const node of message.PeersChanged ?? []) if (node) peers.set(node.ID, node)
  for (const [id, Online] of Object.entries(message.OnlineChange ?? {})) {
    const node = peers.get(Number(id))
    if (node) peers.set(node.ID, { ...node, Online })
  }
  for (const change of message.PeersChangedPatch ?? []) {
    const node = change && peers.get(change.NodeID)
    if (node) peers.set(node.ID, patched(node, change))
  }
}

function patched(node: ControlNode, change: PeerChange): ControlNode {
  const { NodeID: _, DERPRegion, ...rest } = change
  const set = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return { ...node, ...set, ...(DERPRegion && { HomeDERP: DERPRegion }) }
}
