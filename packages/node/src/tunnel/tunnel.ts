// SPDX-License-Identifier: Apache-2.0

/**
 * The tunnel: WireGuard between a driver (inner packets) and datagrams (outer ones).
 *
 * ```
 *   driver.onPacket --> filter --> device.sendPacket --> peer's session --> datagrams.send
 *   datagrams.onDatagram --> device.receive --> is it for us? --> filter --> ping of ours? TSMP?
 *                                                                      \--> driver.write
 * ```
 *
 * Peers are what the gate admitted and nothing else; the type cannot be made elsewhere. What the
 * server wrote into an admitted peer (addresses, endpoints) is still only its word: what cannot be
 * read is passed over, and never an exception.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import { type NodePrivate, type NodePublic, privateKeyBytes } from '@signet/keys'
import {
  AllowedIps,
  createDevice,
  type Device,
  innerPacketLength,
  type IpPrefix,
  parseIp,
  type PeerConfig,
} from '@signet/wireguard'
import { type Clock, systemClock } from '../clock.ts'
import { NodeError } from '../errors.ts'
import type { AdmittedPeer } from '../lock/gate.ts'
import type { Datagrams } from '../paths/datagrams.ts'
import { IpProtocol, parseIpPacket, protocolOf } from './packet.ts'
import { createPeerConfigs, readPrefixes } from './peer-configs.ts'
import { createPinger, type PingKind } from './pinger.ts'
import { encodeTsmpPong, parseTsmp } from './tsmp.ts'
import type { PacketGuard } from './filtering.ts'
import type { TunDriver } from './tun-driver.ts'

/** MTU of inner packets, the same everywhere: no path has to fragment what is around them. */
export const TUNNEL_MTU = 1280

/** A session this young with a peer whose disco key is new may have been made after its restart. */
const FRESH_SESSION_MS = 10_000

/** What a tunnel is made from. */
export interface TunnelOptions {
  readonly nodeKey: NodePrivate
  /** This node's inner addresses, with or without prefix length. */
  readonly addresses: readonly string[]
  readonly driver: TunDriver
  readonly udp: Datagrams
  /** Which packets may come in, and go out. */
  readonly filter: PacketGuard
  /** A clock that never goes back; leave it out but in tests. */
  readonly clock?: Clock
  readonly random?: (length: number) => Uint8Array
}

/** The answer to a ping. */
export interface PingResult {
  readonly latencyMs: number
  /** Where the answer came from. */
  readonly endpoint: string
}

/** What is known about the path to a peer. */
export interface PeerStats {
  readonly rxBytes: number
  readonly txBytes: number
  /** Milliseconds since the epoch of the last finished handshake; null when there was none. */
  readonly lastHandshake: number | null
  /** Address of the last authenticated datagram; null when there was none. */
  readonly endpoint: string | null
  /** Whether a session is open, so that packets flow without a handshake. */
  readonly hasSession: boolean
}

/** See the module comment. */
export interface Tunnel {
  /** Sets this node's inner addresses. */
  setSelf(addresses: readonly string[]): void
  /**
   * Makes these the peers, and nobody else. A peer that is gone, or whose key changed, loses its
   * sessions at once; one that stays keeps them.
   */
  setPeers(peers: readonly AdmittedPeer[]): void
  /**
   * Pings an address of a peer.
   *
   * @throws NodeError `bad-argument` (no address, or our own), `not-found` (nobody's address, or
   * we have none of its family), `timeout`, `closed`.
   */
  ping(ip: string, kind: PingKind, timeoutMs: number): Promise<PingResult>
  /**
   * Sends an inner packet as the driver would. Returns false when it was not: nobody has its
   * destination, or datagrams pile up and the caller should wait a turn.
   */
  sendRaw(packet: Uint8Array): boolean
  /** Returns what is known about a peer; undefined for everybody else. */
  stats(nodeKey: NodePublic): PeerStats | undefined
  /** Returns whose inner address this is. */
  peerOf(ip: string): NodePublic | undefined
  /** How much was dropped, by reason. */
  dropped(): Readonly<Record<string, number>>
  localEndpoints(): string[]
  /** Forgets all peers and keys and closes the driver; datagrams stay open. */
  close(): void
}

/** Returns a tunnel without peers, listening. */
export function createTunnel(options: TunnelOptions): Tunnel {
  const { driver, udp, filter } = options
  const clock = options.clock ?? steadyClock
  const random = options.random ?? ((length) => new Uint8Array(randomBytes(length)))
  const configs = createPeerConfigs()
  const dropped: Record<string, number> = {}
  let own = new AllowedIps<true>()
  let ownAddresses: readonly Uint8Array[] = []
  let cancelTimer = (): void => {}
  let closed = false

  const device = createDevice({
    privateKey: privateKeyBytes(options.nodeKey),
    now: clock.now,
    random,
    mtu: TUNNEL_MTU,
    effects: {
      send: (datagram, endpoint, peer) => udp.send(datagram, endpoint, peer),
      deliver: (packet) => deliver(packet),
      wakeAt: () => armTimer(),
    },
  })
  const pinger = createPinger({ clock, random, send: (packet) => void sendPacket(packet) })

  function armTimer(): void {
    cancelTimer()
    if (closed) return
    const deadline = device.nextDeadline()
    if (deadline === Number.POSITIVE_INFINITY) return
    const delay = Math.max(0, Math.ceil(deadline - clock.now()))
    cancelTimer = clock.schedule(delay, () => {
      device.tick()
      armTimer()
    })
  }

  function drop(reason: string): void {
    dropped[reason] = (dropped[reason] ?? 0) + 1
  }

  function sendPacket(packet: Uint8Array): boolean {
    if (closed || innerPacketLength(packet) === 0 || !filter.sends(packet)) {
      drop('not-sendable')
      return false
    }
    const sent = device.sendPacket(packet) !== null
    if (!sent) drop('no-route')
    return sent
  }

  /** Takes a packet whose source is one of the peer that sealed it. */
  function deliver(packet: Uint8Array): void {
    if (own.ownerOfDestination(packet) === undefined) {
      drop('not-our-address')
      return
    }
    if (!filter.admits(packet)) {
      drop('filtered')
      return
    }
    switch (protocolOf(packet)) {
      case IpProtocol.Tsmp:
        receiveTsmp(packet)
        return
      case IpProtocol.Icmp:
      case IpProtocol.Icmpv6: {
        const parsed = parseIpPacket(packet)
        if (parsed !== null && pinger.takeReply(parsed)) return
      }
    }
    driver.write(packet)
  }

  /** TSMP is between nodes; the driver never sees it. */
  function receiveTsmp(packet: Uint8Array): void {
    const parsed = parseIpPacket(packet)
    const message = parsed && parseTsmp(parsed)
    if (parsed === null || message === null) drop('bad-tsmp')
    else if (message.kind === 'pong') pinger.takeReply(parsed)
    else if (message.kind === 'ping') {
      sendPacket(encodeTsmpPong(parsed.destination, parsed.source, message.token, 0))
    }
  }

  function setSelf(addresses: readonly string[]): void {
    const prefixes = readPrefixes(addresses)
    own = ownTable(prefixes)
    ownAddresses = prefixes.filter(isSingle).map(({ address }) => address)
  }

  function addressToPing(ip: string): { source: Uint8Array; destination: Uint8Array } {
    const destination = parseIp(ip)
    if (destination === null) {
      throw new NodeError('bad-argument', `Cannot ping: ${JSON.stringify(ip)} is no IP address`)
    }
    if (own.lookup(destination) !== undefined) {
      throw new NodeError('bad-argument', `Cannot ping ${ip}: it is this node`)
    }
    const source = ownAddresses.find(({ length }) => length === destination.length)
    if (source === undefined || device.ownerOf(destination) === null) {
      throw new NodeError('not-found', `Cannot ping ${ip}: no peer has this address`)
    }
    return { source, destination }
  }

  setSelf(options.addresses)
  driver.onPacket((packet) => void sendPacket(packet))
  udp.onDatagram((datagram, endpoint) => device.receive(datagram, endpoint))

  return {
    setSelf,
    setPeers(peers) {
      const { list, restarted } = configs.update(peers)
      device.setPeers(list)
      for (const peer of restarted) meetAnew(device, peer, clock.now())
    },
    async ping(ip, kind, timeoutMs) {
      if (closed) throw new NodeError('closed', 'Cannot ping: the tunnel was closed')
      const { source, destination } = addressToPing(ip)
      const latencyMs = await pinger.ping({ kind, source, destination, timeoutMs })
      const owner = device.ownerOf(destination)
      const endpoint = (owner === null ? null : device.status(owner)?.endpoint) ?? ''
      return { latencyMs, endpoint }
    },
    sendRaw(packet) {
      return udp.isCongested?.() === true ? false : sendPacket(packet)
    },
    stats: (nodeKey) => device.status(nodeKey) ?? undefined,
    peerOf(ip) {
      const address = parseIp(ip)
      return (address === null ? null : device.ownerOf(address)) ?? undefined
    },
    dropped: () => ({ ...dropped, ...Object.fromEntries(device.dropped()) }),
    localEndpoints: () => udp.localEndpoints(),
    close() {
      closed = true
      cancelTimer()
      udp.onDatagram(() => {})
      pinger.close()
      driver.close()
      device.close()
    },
  }
}

/** Time since the process started, added to when it did: never goes back when a clock is set. */
const steadyClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  schedule: systemClock.schedule,
}

/**
 * A peer that restarted has lost its sessions. One that was made with it after that, which its age and its place tell,
 * is kept while a new one is made: perhaps it was made before after all.
 */
function meetAnew(device: Device, { key, endpoints }: PeerConfig, now: number): void {
  const { lastHandshake, endpoint } = device.status(key) ?? { lastHandshake: null, endpoint: null }
  const isYoung = lastHandshake !== null && now - lastHandshake < FRESH_SESSION_MS
  if (isYoung && endpoint !== null && endpoints.includes(endpoint)) device.renewPeer(key)
  else device.restartPeer(key)
}

function ownTable(prefixes: readonly IpPrefix[]): AllowedIps<true> {
  const table = new AllowedIps<true>()
  for (const prefix of prefixes) table.add(prefix, true)
  return table
}

function isSingle({ address, bits }: IpPrefix): boolean {
  return bits === address.length * 8
}
