// SPDX-License-Identifier: Apache-2.0

/**
 * Which way a sealed datagram takes: directly, by a relay, or both while nobody knows.
 *
 *     the direct path answered within the last seconds    directly
 *     it did before, or WireGuard was heard there         both ways, and all paths are tried
 *     otherwise                                           by the relay, and all paths are tried
 *
 * WireGuard's endpoint says where its peer was heard last. A direct one is where that peer's datagrams
 * come from, which does not prove that ours arrive there: they may be filtered on one way only. So it is
 * asked, every few seconds while it is used, and an answer is the proof. One by a relay only says that a
 * relay works, and never takes the place of a direct path that does. Receivers drop the second of two
 * copies by its counter.
 *
 * Initiations go where WireGuard says, which is everywhere as long as nothing is known. Peers without a
 * relay, and those without discovery, are sent to as WireGuard says.
 *
 * @module
 */

import type { NodePublic } from '@signet/keys'
import type { Clock } from '../clock.ts'
import type { AdmittedPeer } from '../lock/gate.ts'
import type { Datagrams } from './datagrams.ts'
import type { Discovery, DiscoPong } from './discovery.ts'
import { isRelayEndpoint, relayEndpoint } from './relay-endpoint.ts'
import {
  CALLED_MS,
  HEARTBEAT_MS,
  MAX_CALLED,
  MAX_SEEN,
  MUCH_FASTER,
  ROUND_MS,
  TRUST_MS,
} from './relay-limits.ts'

const LONG_AGO = Number.NEGATIVE_INFINITY
/** First byte of WireGuard's initiations. */
const INITIATION = 1

/** What routes are made from. */
export interface RoutesOptions {
  readonly discovery: Discovery
  readonly clock: Clock
  /** Whether a peer is reached by a relay. */
  readonly hasRelay: (peer: NodePublic) => boolean
}

/** See the module comment. */
export interface Routes extends Datagrams {
  setPeers(self: NodePublic | null, peers: readonly AdmittedPeer[]): void
  /** See {@link Discovery.ping}; by the relay, too, unless the direct path is known to work. */
  ping(peer: NodePublic, timeoutMs: number): Promise<DiscoPong> | undefined
  /** The direct endpoint in use when WireGuard's is `endpoint`; '' when it goes by a relay. */
  directOf(peer: NodePublic, endpoint: string): string
}

interface Route {
  peer: AdmittedPeer
  /** Where WireGuard heard the peer last, when that was directly. */
  heard: string
  /** The direct path that answered; '' when none ever did. */
  proven: string
  provenUntil: number
  latencyMs: number
  heartbeatAt: number
  roundAt: number
  calledAt: number
  /** Endpoints that the peer named itself, and those that it asked from. */
  called: readonly string[]
  seen: readonly string[]
  askedBackAt: number
}

/** Puts routes before a discovery; they take over what it learns about paths. */
export function createRoutes({ discovery, clock, hasRelay }: RoutesOptions): Routes {
  /** Made when a peer is first spoken to. */
  const routes = new Map<NodePublic, Route>()
  let peers: ReadonlyMap<NodePublic, AdmittedPeer> = new Map()

  const routeOf = (key: NodePublic): Route | undefined => {
    const known = routes.get(key)
    if (known !== undefined) return known
    const peer = peers.get(key)
    if (peer === undefined) return undefined
    const route = emptyRoute(peer)
    routes.set(key, route)
    return route
  }

  const isProven = (route: Route): boolean => clock.now() < route.provenUntil

  /** Tries all paths, not too often. */
  const round = (route: Route): void => {
    const now = clock.now()
    if (now - route.roundAt < ROUND_MS) return
    route.roundAt = now
    discovery.ask(route.peer.nodeKey, endpointsOf(route))
    discovery.call(route.peer.nodeKey)
  }

  /** Asks the path in use whether it still works, not too often. */
  const heartbeat = (route: Route, endpoint: string): void => {
    const now = clock.now()
    if (now - route.heartbeatAt < HEARTBEAT_MS) return
    route.heartbeatAt = now
    discovery.ask(route.peer.nodeKey, [endpoint])
  }

  const send = (datagram: Uint8Array, endpoint: string, key?: NodePublic): void => {
    const route = key === undefined ? undefined : routeOf(key)
    const isRelayed = isRelayEndpoint(endpoint)
    if (route === undefined || key === undefined || route.peer.discoKey === '') {
      discovery.send(datagram, endpoint)
      return
    }
    if (datagram[0] === INITIATION) {
      discovery.send(datagram, endpoint)
      if (!isRelayed) return
      if (route.proven !== '') discovery.send(datagram, route.proven)
      round(route)
      return
    }
    if (!isRelayed) {
      if (!hasRelay(key)) {
        discovery.send(datagram, endpoint)
        return
      }
      route.heard = endpoint
      discovery.send(datagram, endpoint)
      heartbeat(route, endpoint)
      if (isProven(route)) {
        // Heard somewhere else than where it answers: until it answers there, both.
        if (route.proven !== endpoint) discovery.send(datagram, route.proven)
        return
      }
      discovery.send(datagram, relayEndpoint(key))
      round(route)
      return
    }
    const works = isProven(route)
    if (route.proven !== '') {
      discovery.send(datagram, route.proven)
      heartbeat(route, route.proven)
    }
    if (works) return
    discovery.send(datagram, endpoint)
    round(route)
  }

  discovery.onPaths({
    answered(key, endpoint, latencyMs) {
      const route = routeOf(key)
      if (route === undefined || isRelayEndpoint(endpoint)) return
      const isBetter =
        endpoint === route.proven ||
        !isProven(route) ||
        endpoint === route.heard ||
        (route.proven !== route.heard && latencyMs < route.latencyMs * MUCH_FASTER)
      if (!isBetter) return
      route.proven = endpoint
      route.latencyMs = latencyMs
      route.provenUntil = clock.now() + TRUST_MS
    },
    asked(key, endpoint) {
      const route = routeOf(key)
      if (route === undefined || isRelayEndpoint(endpoint) || isProven(route)) return
      if (!route.seen.includes(endpoint)) {
        route.seen = [endpoint, ...route.seen].slice(0, MAX_SEEN)
      }
      // It asks because it wants to come this way, so it may work for us, too.
      const now = clock.now()
      if (!hasRelay(key) || now - route.askedBackAt < HEARTBEAT_MS) return
      route.askedBackAt = now
      discovery.ask(key, [endpoint])
    },
    called(key, endpoints) {
      const route = routeOf(key)
      const now = clock.now()
      if (route === undefined || now - route.calledAt < CALLED_MS) return
      route.calledAt = now
      route.called = endpoints.slice(0, MAX_CALLED)
      discovery.ask(key, route.called)
    },
  })

  return {
    send,
    onDatagram: (handler) => discovery.onDatagram(handler),
    localEndpoints: () => discovery.localEndpoints(),
    isCongested: () => discovery.isCongested?.() === true,
    setPeers(self, next) {
      peers = new Map(next.map((peer) => [peer.nodeKey, peer]))
      for (const [key, route] of routes) {
        const peer = peers.get(key)
        if (peer === undefined) routes.delete(key)
        else if (peer.discoKey === route.peer.discoKey) route.peer = peer
        // It restarted, and may be anywhere.
        else routes.set(key, emptyRoute(peer))
      }
      discovery.setPeers(self, next)
    },
    ping(key, timeoutMs) {
      const route = routeOf(key)
      if (route === undefined) return undefined
      const relay = hasRelay(key) && !isProven(route) ? [relayEndpoint(key)] : []
      if (relay.length > 0) round(route)
      return discovery.ping(key, timeoutMs, [...relay, ...endpointsOf(route)])
    },
    directOf(key, endpoint) {
      if (!isRelayEndpoint(endpoint)) return endpoint
      const route = routes.get(key)
      return route !== undefined && isProven(route) ? route.proven : ''
    },
  }
}

function emptyRoute(peer: AdmittedPeer): Route {
  return {
    peer,
    heard: '',
    proven: '',
    provenUntil: LONG_AGO,
    latencyMs: 0,
    heartbeatAt: LONG_AGO,
    roundAt: LONG_AGO,
    calledAt: LONG_AGO,
    called: [],
    seen: [],
    askedBackAt: LONG_AGO,
  }
}

/** All direct endpoints at which a peer may be, likeliest first. */
function endpointsOf({ proven, heard, called, seen, peer }: Route): readonly string[] {
  const known = [proven, heard].filter((endpoint) => endpoint !== '')
  return [...new Set([...known, ...called, ...seen, ...peer.endpoints])]
}
