// SPDX-License-Identifier: Apache-2.0

/**
 * The network map of one stream, as the rest of the node sees it: what the server says now. Nothing
 * in it is verified; it goes to the gate.
 *
 * @module
 */

import {
  NetmapSession as MergedSession,
  type ControlNode,
  type DERPMap,
  type DNSConfig,
  type FilterRule,
  type MapResponse,
  type UserProfile,
} from '@signet/protocol'

/** What the server says. Nodes are never changed in place: a changed node is another object. */
export type Netmap = {
  readonly self: ControlNode | null
  /** In the order of their ids. The same list while no peer has changed. */
  readonly peers: readonly ControlNode[]
  readonly users: ReadonlyMap<number, UserProfile>
  readonly domain: string
  readonly dns: DNSConfig
  /** The relays. The same object while they have not changed. */
  readonly derpMap: DERPMap | undefined
  /** What may come in. The same list while it has not changed. */
  readonly filterRules: readonly FilterRule[]
}

/** Merges the messages of one stream. */
export type NetmapSession = {
  /** @throws ProtocolError `too-large`; the stream is over then */
  apply(message: MapResponse): Netmap
}

/** Creates a session that has heard nothing. */
export function createNetmapSession(now: () => number): NetmapSession {
  const merged = new MergedSession()
  let peers: readonly ControlNode[] = []
  return {
    apply(message) {
      const { peers: changed } = merged.merge(message, now())
      if (changed === 'all' || changed.size > 0) peers = merged.sortedPeers()
      const { self = null, users, domain, dns, derpMap, packetFilterRules: filterRules } = merged
      return { self, peers, users, domain, dns, derpMap, filterRules }
    },
  }
}
