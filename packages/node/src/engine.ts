// SPDX-License-Identifier: Apache-2.0

/**
 * The data plane of one login: a tunnel for the present node key over sockets that stay. A new key
 * makes a new tunnel; peers keep reaching us at the same port.
 *
 * @module
 */

import { nodePublicOf, type NodePrivate, type NodePublic } from '@signet/keys'
import type { DERPMap, NetInfo } from '@signet/protocol'
import { NodeError } from './errors.ts'
import type { AdmittedPeer } from './lock/gate.ts'
import type { Paths, RelayName } from './paths/paths.ts'
import type { PingKind } from './tunnel/pinger.ts'
import { createFiltering, type FilteringInput } from './tunnel/filtering.ts'
import { createTunnel, type PeerStats, type PingResult, type Tunnel } from './tunnel/tunnel.ts'
import type { TunDriver } from './tunnel/tun-driver.ts'

/** What an engine is made from. */
export type EngineOptions = {
  readonly udp: Paths
  /** Called for each tunnel. */
  readonly createDriver: () => TunDriver
}

/** The answer to a ping. */
export type EnginePing = PingResult & {
  /** By which relay; undefined when it came directly. */
  readonly relay: RelayName | undefined
}

/** What is known about the path to a peer. */
export type EngineStats = PeerStats & {
  /** Where its packets go directly; '' when they go by a relay. */
  readonly direct: string
}

/** See the module comment. */
export type Engine = {
  /** Makes this the node key; the same key again changes nothing. */
  setKey(key: NodePrivate): void
  setSelf(addresses: readonly string[]): void
  /** Makes these the rules of what may come in; returns those that could not be read. */
  setFilter(input: FilteringInput): readonly string[]
  /** Makes these the peers, and nobody else. */
  setPeers(peers: readonly AdmittedPeer[]): void
  /** Makes these the relays. */
  setRelays(map: DERPMap | undefined): void
  /** @throws NodeError not-found, bad-argument, timeout, closed */
  ping(ip: string, kind: PingKind | 'disco', timeoutMs: number): Promise<EnginePing>
  stats(nodeKey: NodePublic): EngineStats | undefined
  endpoints(): readonly string[]
  /** What is known about the network around. */
  network(): NetInfo
  relayName(region: number): RelayName | undefined
  /** Drops key, peers and sessions. */
  stop(): void
}

/** Creates an engine without a key. */
export function createEngine({ udp, createDriver }: EngineOptions): Engine {
  const filter = createFiltering()
  let tunnel: Tunnel | undefined
  let running: NodePublic | undefined
  let addresses: readonly string[] = []
  let peers: readonly AdmittedPeer[] = []

  const stop = (): void => {
    tunnel?.close()
    tunnel = undefined
    running = undefined
    peers = []
    udp.setPeers([])
    udp.setKey(null)
  }
  const pinged = (result: PingResult, peer: NodePublic | undefined): EnginePing => ({
    ...result,
    relay: peer === undefined ? undefined : udp.relayOf(peer, result.endpoint),
  })
  return {
    setKey(key) {
      const wanted = nodePublicOf(key)
      if (wanted === running) return
      const kept = peers
      stop()
      tunnel = createTunnel({ nodeKey: key, addresses, driver: createDriver(), udp, filter })
      running = wanted
      peers = kept
      tunnel.setPeers(peers)
      udp.setPeers(peers)
      udp.setKey(key)
    },
    setSelf(next) {
      addresses = next
      tunnel?.setSelf(next)
    },
    setFilter: (input) => filter.update(input),
    setPeers(next) {
      peers = next
      tunnel?.setPeers(next)
      udp.setPeers(next)
    },
    async ping(ip, kind, timeoutMs) {
      if (tunnel === undefined) throw new NodeError('not-logged-in', 'This node is not running')
      const owner = tunnel.peerOf(ip)
      const asked = kind === 'disco' && owner !== undefined ? udp.ping(owner, timeoutMs) : undefined
      // Who takes no part in discovery answers inside the tunnel, on the same way.
      return pinged(
        await (asked ?? tunnel.ping(ip, kind === 'disco' ? 'TSMP' : kind, timeoutMs)),
        owner,
      )
    },
    stats(nodeKey) {
      const stats = tunnel?.stats(nodeKey)
      return stats && { ...stats, direct: udp.directOf(nodeKey, stats.endpoint ?? '') }
    },
    setRelays: (map) => udp.setRelays(map),
    network: () => {
      const home = udp.homeRelay()
      return {
        WorkingUDP: udp.localEndpoints().length > 0,
        ...(home > 0 && { PreferredDERP: home }),
      }
    },
    relayName: (region) => udp.relayName(region),
    endpoints: () => udp.localEndpoints(),
    stop,
  }
}
