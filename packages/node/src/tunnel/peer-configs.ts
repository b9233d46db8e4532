// SPDX-License-Identifier: Apache-2.0

/**
 * From admitted peers to WireGuard's configuration. The gate hands over the same object while
 * nothing changed about a peer; what was read once is kept, so that an unchanged list of thousands
 * costs next to nothing.
 *
 * @module
 */

import type { NodePublic } from '@signet/keys'
import { type IpPrefix, parsePrefix, type PeerConfig, WireguardError } from '@signet/wireguard'
import type { AdmittedPeer } from '../lock/gate.ts'
import { parseEndpoint } from '../paths/endpoint.ts'
import { relayEndpoint } from '../paths/relay-endpoint.ts'

/** The configuration of all peers, and which of them restarted. */
export interface PeerConfigs {
  update(peers: readonly AdmittedPeer[]): {
    readonly list: readonly PeerConfig[]
    /** Peers whose disco key changed: they make a new one at every start. */
    readonly restarted: readonly PeerConfig[]
  }
}

interface Known {
  readonly peer: AdmittedPeer
  readonly config: PeerConfig
}

/** Returns an empty memory of peers. */
export function createPeerConfigs(): PeerConfigs {
  let known: ReadonlyMap<NodePublic, Known> = new Map()
  return {
    update(peers) {
      const restarted: PeerConfig[] = []
      const next = new Map<NodePublic, Known>()
      for (const peer of peers) {
        const before = known.get(peer.nodeKey)
        if (before?.peer === peer) {
          next.set(peer.nodeKey, before)
          continue
        }
        const config = readPeer(peer, before)
        if (before !== undefined && hasRestarted(before.peer, peer)) restarted.push(config)
        next.set(peer.nodeKey, { peer, config })
      }
      known = next
      return { list: [...next.values()].map(({ config }) => config), restarted }
    },
  }
}

/** Returns the prefixes in a list of texts; what is none is passed over. */
export function readPrefixes(texts: readonly string[]): readonly IpPrefix[] {
  return texts.flatMap((text) => {
    try {
      return [parsePrefix(text)]
    } catch (error) {
      if (error instanceof WireguardError && error.code === 'bad-prefix') return []
      throw error
    }
  })
}

function readPeer(peer: AdmittedPeer, before: Known | undefined): PeerConfig {
  const hasSamePrefixes =
    before !== undefined && isSameList(before.peer.allowedIps, peer.allowedIps)
  const hasSameEndpoints =
    before !== undefined &&
    isSameList(before.peer.endpoints, peer.endpoints) &&
    before.peer.homeRelay > 0 === peer.homeRelay > 0
  return {
    key: peer.nodeKey,
    allowedIps: hasSamePrefixes ? before.config.allowedIps : readPrefixes(peer.allowedIps),
    endpoints: hasSameEndpoints
      ? before.config.endpoints
      : [
          // First, so that however many endpoints a server names, this one is not left out.
          ...(peer.homeRelay > 0 ? [relayEndpoint(peer.nodeKey)] : []),
          ...peer.endpoints.filter((endpoint) => parseEndpoint(endpoint) !== null),
        ],
  }
}

function hasRestarted(before: AdmittedPeer, after: AdmittedPeer): boolean {
  return before.discoKey !== '' && after.discoKey !== '' && before.discoKey !== after.discoKey
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index])
}
