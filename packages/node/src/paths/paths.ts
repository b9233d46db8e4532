// SPDX-License-Identifier: Apache-2.0

/**
 * All ways to other nodes, put together for the tunnel:
 *
 *     tunnel ──> routes ──> discovery ──> wires ──┬──> udp
 *                                                 └──> relays
 *
 * @module
 */

import { nodePublicOf, type DiscoPrivate, type NodePrivate, type NodePublic } from '@signet/keys'
import type { DERPMap } from '@signet/protocol'
import type { Clock } from '../clock.ts'
import type { AdmittedPeer } from '../lock/gate.ts'
import type { NodeLog } from '../log.ts'
import type { Datagrams } from './datagrams.ts'
import { createDiscovery, type DiscoPong } from './discovery.ts'
import { isRelayEndpoint } from './relay-endpoint.ts'
import type { RelayDialer } from './relay-dial.ts'
import { createRelays } from './relays.ts'
import { createRoutes } from './routes.ts'
import { createWires } from './wires.ts'

/** What they are made from. */
export interface PathsOptions {
  readonly udp: Datagrams
  readonly discoKey: DiscoPrivate
  readonly dialer: RelayDialer
  readonly clock: Clock
  readonly random: () => number
  readonly randomBytes: (length: number) => Uint8Array
  readonly log: NodeLog
  /** Called when others find this node at another relay. */
  readonly onHome: () => void
}

/** A relay region, for people. */
export interface RelayName {
  readonly region: number
  readonly code: string
}

/** See the module comment. */
export interface Paths extends Datagrams {
  /** Makes this the node key, by which relays know this node; null closes all connections. */
  setKey(key: NodePrivate | null): void
  /** Makes these the peers that are answered and heard, and nobody else. */
  setPeers(peers: readonly AdmittedPeer[]): void
  setRelays(map: DERPMap | undefined): void
  /** See `Discovery.ping`. */
  ping(peer: NodePublic, timeoutMs: number): Promise<DiscoPong> | undefined
  /** The relay region where others find this node; 0 for none. */
  homeRelay(): number
  relayName(region: number): RelayName | undefined
  /** The relay that an endpoint of this peer stands for; undefined if it is a direct one. */
  relayOf(peer: NodePublic, endpoint: string): RelayName | undefined
  /** The direct endpoint in use when WireGuard's is `endpoint`; '' when it goes by a relay. */
  directOf(peer: NodePublic, endpoint: string): string
  /** Packets that came by relays from nobody who was admitted. */
  refusedByRelay(): number
}

/** Creates them, without peers and without relays. */
export function createPaths(options: PathsOptions): Paths {
  const { udp, discoKey, clock, randomBytes } = options
  const relays = createRelays(options)
  const wires = createWires(udp, relays)
  const discovery = createDiscovery({ udp: wires, key: discoKey, clock, random: randomBytes })
  const hasRelay = (peer: NodePublic): boolean => wires.regionOf(peer) > 0
  const routes = createRoutes({ discovery, clock, hasRelay })
  let self: NodePublic | null = null
  let peers: readonly AdmittedPeer[] = []

  const applyPeers = (): void => {
    const admitted = self === null ? [] : peers
    wires.setPeers(admitted)
    routes.setPeers(self, admitted)
  }
  const relayName = (region: number): RelayName | undefined =>
    relays.has(region) ? { region, code: relays.codeOf(region) } : undefined
  return {
    send: (datagram, endpoint, peer) => routes.send(datagram, endpoint, peer),
    onDatagram: (handler) => routes.onDatagram(handler),
    localEndpoints: () => routes.localEndpoints(),
    isCongested: () => routes.isCongested?.() === true,
    setKey(key) {
      self = key === null ? null : nodePublicOf(key)
      applyPeers()
      relays.setKey(key)
    },
    setPeers(next) {
      if (next === peers) return
      peers = next
      applyPeers()
    },
    setRelays: (map) => relays.setMap(map),
    ping: (peer, timeoutMs) => routes.ping(peer, timeoutMs),
    homeRelay: () => relays.home(),
    relayName,
    relayOf: (peer, endpoint) =>
      isRelayEndpoint(endpoint) ? relayName(wires.regionOf(peer)) : undefined,
    directOf: (peer, endpoint) => routes.directOf(peer, endpoint),
    refusedByRelay: () => wires.dropped(),
  }
}
