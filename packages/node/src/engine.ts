// SPDX-License-Identifier: Apache-2.0

/**
 * The data plane of one login: a tunnel for the present node key over sockets that stay. A new key
 * makes a new tunnel; peers keep reaching us at the same port.
 *
 * @module
 */

import { nodePublicOf, type NodePrivate, type NodePublic } from '@signet/keys'
import { NodeError } from './errors.ts'
import type { AdmittedPeer } from './lock/gate.ts'
import type { Discovery } from './paths/discovery.ts'
import type { PingKind } from './tunnel/pinger.ts'
import { createFiltering, type FilteringInput } from './tunnel/filtering.ts'
import { createTunnel, type PeerStats, type PingResult, type Tunnel } from './tunnel/tunnel.ts'
import type { TunDriver } from './tunnel/tun-driver.ts'

/** What an engine is made from. */
export type EngineOptions = {
  readonly udp: Discovery
  /** Called for each tunnel. */
  readonly createDriver: () => TunDriver
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
  /** @throws NodeError not-found, bad-argument, timeout, closed */
  ping(ip: string, kind: PingKind | 'disco', timeoutMs: number): Promise<PingResult>
  stats(nodeKey: NodePublic): PeerStats | undefined
  endpoints(): readonly string[]
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
    udp.setPeers(null, [])
  }
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
      udp.setPeers(running, peers)
    },
    setSelf(next) {
      addresses = next
      tunnel?.setSelf(next)
    },
    setFilter: (input) => filter.update(input),
    setPeers(next) {
      peers = next
      tunnel?.setPeers(next)
      if (running !== undefined) udp.setPeers(running, next)
    },
    async ping(ip, kind, timeoutMs) {
      if (tunnel === undefined) throw new NodeError('not-logged-in', 'This node is not running')
      if (kind !== 'disco') return tunnel.ping(ip, kind, timeoutMs)
      const owner = tunnel.peerOf(ip)
      const asked = owner && udp.ping(owner, timeoutMs)
      // Who takes no part in discovery answers inside the tunnel, on the same way.
      return asked ?? tunnel.ping(ip, 'TSMP', timeoutMs)
    },
    stats: (nodeKey) => tunnel?.stats(nodeKey),
    endpoints: () => udp.localEndpoints(),
    stop,
  }
}
