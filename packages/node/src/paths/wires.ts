// SPDX-License-Identifier: Apache-2.0

/**
 * Datagrams over UDP and over relays, behind one door.
 *
 * Anybody who is let into a relay can send anything to any key there, and the relay itself can claim any
 * sender. What comes that way is dropped here unless it claims to be of a peer that the gate admitted;
 * whether it is, WireGuard and the boxes of discovery prove.
 *
 * @module
 */

import type { NodePublic } from '@signet/keys'
import type { AdmittedPeer } from '../lock/gate.ts'
import type { Datagrams } from './datagrams.ts'
import { relayEndpoint, relayedPeer } from './relay-endpoint.ts'
import type { Relays } from './relays.ts'

/** See the module comment. */
export interface Wires extends Datagrams {
  /** Makes these the peers that are heard from relays, and nobody else. */
  setPeers(peers: readonly AdmittedPeer[]): void
  /** The region by which a peer is reached; 0 for none. */
  regionOf(peer: NodePublic): number
  /** Packets from relays that were not let in. */
  dropped(): number
}

interface Relayed {
  readonly peer: AdmittedPeer
  /** Where its last packet came from; 0 for nowhere. */
  lastRegion: number
}

/** Puts the two together. */
export function createWires(udp: Datagrams, relays: Relays): Wires {
  let known: ReadonlyMap<string, Relayed> = new Map()
  let dropped = 0
  let handler: (datagram: Uint8Array, endpoint: string) => void = () => {}

  const regionOf = ({ peer, lastRegion }: Relayed): number => {
    if (peer.homeRelay > 0 && relays.has(peer.homeRelay)) return peer.homeRelay
    return relays.has(lastRegion) ? lastRegion : 0
  }

  relays.onPacket((packet, source, region) => {
    const entry = known.get(source)
    if (entry === undefined) {
      dropped++
      return
    }
    entry.lastRegion = region
    handler(packet, relayEndpoint(source))
  })

  return {
    send(datagram, endpoint) {
      const relayed = relayedPeer(endpoint)
      if (relayed === null) {
        udp.send(datagram, endpoint)
        return
      }
      const entry = known.get(relayed)
      const region = entry === undefined ? 0 : regionOf(entry)
      if (entry !== undefined && region > 0) relays.send(region, entry.peer.nodeKey, datagram)
    },
    onDatagram(next) {
      handler = next
      udp.onDatagram(next)
    },
    localEndpoints: () => udp.localEndpoints(),
    isCongested: () => udp.isCongested?.() === true,
    setPeers(peers) {
      const before = known
      const entries = peers.map((peer): Relayed => {
        const old = before.get(peer.nodeKey)
        if (old?.peer === peer) return old
        return { peer, lastRegion: old?.lastRegion ?? 0 }
      })
      known = new Map(entries.map((entry) => [entry.peer.nodeKey, entry]))
    },
    regionOf(peer) {
      const entry = known.get(peer)
      return entry === undefined ? 0 : regionOf(entry)
    },
    dropped: () => dropped,
  }
}
