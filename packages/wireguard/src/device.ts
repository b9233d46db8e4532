// SPDX-License-Identifier: Apache-2.0

/**
 * A WireGuard device without a socket, a clock or an interface: datagrams and packets go in by
 * method, come out by {@link DeviceEffects}, and time passes by {@link Device.tick}.
 *
 * ```
 *   packet   -- sendPacket --> owner of destination -> Peer -> session -> effects.send
 *   datagram -- receive -----> type, mac1, load -> index or static key -> Peer
 *                              -> inner length, owner of source -------> effects.deliver
 * ```
 *
 * A datagram never makes a method throw. What is refused is dropped without an answer and counted
 * by reason; the one exception is the cookie reply of a device under load.
 *
 * @module
 */

import { encodeUtf8 } from '@signet/codec'
import { x25519PublicKey } from '@signet/crypto'
import { type NodePublic, nodePublicFromBytes } from '@signet/keys'
import { AllowedIps } from './allowed-ips.ts'
import { CookieIssuer } from './cookie.ts'
import { type LocalIdentity, readInitiation } from './handshake.ts'
import { innerPacketLength } from './inner-packet.ts'
import type { IpPrefix } from './ip.ts'
import { MAX_CONTENT_SIZE } from './limits.ts'
import { LoadGauge, SourceLimiter, sourceAddress } from './load.ts'
import { KEY_SIZE, MessageType, messageType, readUint32 } from './message.ts'
import { Peer, type PeerHost, type PeerStatus } from './peer.ts'
import { createTimestamps, TAI64N_SIZE } from './tai64n.ts'
import { WireguardError, type WireguardErrorCode } from './wireguard-error.ts'

const NEVER = Number.POSITIVE_INFINITY
const NO_PRESHARED_KEY = new Uint8Array(KEY_SIZE)
const NO_TIMESTAMP = new Uint8Array(TAI64N_SIZE)

const NEVER_USED: PeerStatus = {
  endpoint: null,
  rxBytes: 0,
  txBytes: 0,
  lastHandshake: null,
  hasSession: false,
}

/** One peer as configured. */
export interface PeerConfig {
  readonly key: NodePublic
  /**
   * Inner addresses that are the peer's; an address belongs to the first peer that lists it. This
   * list and the next are compared by identity: pass the same array again when nothing changed.
   */
  readonly allowedIps: readonly IpPrefix[]
  /** Where the peer may be: opaque texts, `ADDRESS:PORT` by convention. */
  readonly endpoints: readonly string[]
  readonly presharedKey?: Uint8Array
  /** Timestamp of the newest initiation seen before a restart, if it was kept. */
  readonly latestTimestamp?: Uint8Array
}

/** What a device causes. Calls back into the device are allowed. */
export interface DeviceEffects {
  /**
   * Sends a datagram; the bytes belong to the callee. `peer` is whom it is for: nobody in particular when
   * it is a cookie.
   */
  send(datagram: Uint8Array, endpoint: string, peer?: NodePublic): void
  /** Hands over a decrypted IP packet whose source belongs to the peer. */
  deliver(packet: Uint8Array, peer: NodePublic): void
  /** Asks for a {@link Device.tick} at this moment, earlier than asked for before. */
  wakeAt?(deadline: number): void
}

/** What a device is made from. */
export interface DeviceOptions {
  /** Our node key, 32 bytes; copied. */
  readonly privateKey: Uint8Array
  /** Milliseconds since the Unix epoch; must not go back while the device lives. */
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly effects: DeviceEffects
  /** Inner MTU, which padding does not exceed. */
  readonly mtu?: number
  /** Handshake messages in one second above which cookies are asked for. */
  readonly underLoadHandshakesPerSecond?: number
}

/** See the module comment. */
export interface Device {
  readonly publicKey: Uint8Array
  /**
   * Makes these the peers. A peer that is gone loses its sessions at once; one that stays keeps
   * them; our own key is passed over.
   */
  setPeers(peers: readonly PeerConfig[]): void
  /**
   * Sends an IP packet to the owner of its destination; returns that peer, or null if there is none
   * or the packet is larger than a datagram can carry.
   */
  sendPacket(packet: Uint8Array): NodePublic | null
  /** Takes a datagram that arrived from an endpoint. */
  receive(datagram: Uint8Array, endpoint: string): void
  /** Returns the owner of an inner address. */
  ownerOf(address: Uint8Array): NodePublic | null
  /** Forgets the sessions of a peer that is known to have restarted. */
  restartPeer(key: NodePublic): void
  /** Shakes hands anew with a peer that may have restarted, and keeps its sessions until that is done. */
  renewPeer(key: NodePublic): void
  status(key: NodePublic): PeerStatus | null
  /** When {@link tick} is needed next; infinity when not at all. Never too late, maybe too early. */
  nextDeadline(): number
  /** Serves the timers that are due. */
  tick(): void
  /** How many datagrams and packets were dropped, by reason. */
  dropped(): ReadonlyMap<WireguardErrorCode, number>
  /** Forgets all peers and overwrites the private key. */
  close(): void
}

/**
 * Returns a device without peers.
 *
 * @throws WireguardError `bad-key` when the private key is not 32 bytes.
 */
export function createDevice(options: DeviceOptions): Device {
  return new WireguardDevice(options)
}

class WireguardDevice implements Device, PeerHost {
  readonly local: LocalIdentity
  readonly mtu: number
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly timestamp: () => Uint8Array
  readonly #effects: DeviceEffects
  readonly #issuer: CookieIssuer
  readonly #gauge: LoadGauge
  readonly #limiter = new SourceLimiter()
  readonly #dropped = new Map<WireguardErrorCode, number>()

  #configs: ReadonlyMap<NodePublic, PeerConfig> = new Map()
  #routes = new AllowedIps<NodePublic>()
  readonly #peers = new Map<NodePublic, Peer>()
  readonly #indexes = new Map<number, Peer>()
  readonly #timed = new Set<Peer>()
  #nextWake = NEVER
  #closed = false

  constructor(options: DeviceOptions) {
    if (options.privateKey.length !== KEY_SIZE) {
      throw new WireguardError(
        'bad-key',
        `Cannot create device: expected a key of ${KEY_SIZE} bytes, got ${options.privateKey.length}`,
      )
    }
    const privateKey = options.privateKey.slice()
    this.local = { privateKey, publicKey: x25519PublicKey(privateKey) }
    this.mtu = options.mtu ?? 1280
    this.now = options.now
    this.random = options.random
    this.timestamp = createTimestamps(options.now)
    this.#effects = options.effects
    this.#issuer = new CookieIssuer(this.local.publicKey, options.random)
    this.#gauge = new LoadGauge(options.underLoadHandshakesPerSecond)
  }

  get publicKey(): Uint8Array {
    return this.local.publicKey
  }

  setPeers(configs: readonly PeerConfig[]): void {
    if (this.#closed) throw new WireguardError('closed', 'Cannot set peers: the device is closed')
    const own = nodePublicFromBytes(this.local.publicKey)
    const wanted = new Map<NodePublic, PeerConfig>()
    for (const config of configs) {
      if (config.key !== own && !wanted.has(config.key)) wanted.set(config.key, config)
    }
    const before = this.#configs
    this.#configs = wanted
    for (const [key, peer] of this.#peers) {
      const config = wanted.get(key)
      const old = before.get(key)
      if (config === undefined || config.presharedKey !== old?.presharedKey) {
        peer.close()
        this.#timed.delete(peer)
        this.#peers.delete(key)
      } else if (config.endpoints !== old?.endpoints) peer.setCandidates(config.endpoints)
    }
    if (!hasSameRoutes(before, wanted)) this.#routes = routesOf(wanted)
  }

  sendPacket(packet: Uint8Array): NodePublic | null {
    if (packet.length > MAX_CONTENT_SIZE) return null
    const key = this.#routes.ownerOfDestination(packet)
    const peer = key === undefined ? null : this.#peer(key)
    peer?.sendPacket(packet)
    return peer?.key ?? null
  }

  receive(datagram: Uint8Array, endpoint: string): void {
    try {
      this.#dispatch(datagram, endpoint)
    } catch (error) {
      if (!(error instanceof WireguardError)) throw error
      this.#drop(error.code)
    }
  }

  ownerOf(address: Uint8Array): NodePublic | null {
    return this.#routes.lookup(address) ?? null
  }

  restartPeer(key: NodePublic): void {
    this.#peers.get(key)?.restart()
  }

  renewPeer(key: NodePublic): void {
    this.#peers.get(key)?.renew()
  }

  status(key: NodePublic): PeerStatus | null {
    if (!this.#configs.has(key)) return null
    return this.#peers.get(key)?.status() ?? NEVER_USED
  }

  nextDeadline(): number {
    return this.#nextWake
  }

  tick(): void {
    const now = this.now()
    if (now < this.#nextWake) return
    this.#nextWake = NEVER
    let earliest = NEVER
    for (const peer of this.#timed) {
      const next = peer.tick(now)
      if (next === NEVER) this.#timed.delete(peer)
      else if (next < earliest) earliest = next
    }
    if (earliest < this.#nextWake) this.#askFor(earliest)
  }

  dropped(): ReadonlyMap<WireguardErrorCode, number> {
    return this.#dropped
  }

  close(): void {
    this.#closed = true
    for (const peer of this.#peers.values()) peer.close()
    this.#peers.clear()
    this.#configs = new Map()
    this.#routes = new AllowedIps()
    this.#timed.clear()
    this.#nextWake = NEVER
    this.local.privateKey.fill(0)
  }

  // PeerHost

  jitter(): number {
    return readUint32(this.random(4), 0) / 0xffff_ffff
  }

  transmit(datagram: Uint8Array, endpoint: string, peer: NodePublic): void {
    this.#effects.send(datagram, endpoint, peer)
  }

  reserveIndex(peer: Peer): number {
    for (;;) {
      const index = readUint32(this.random(4), 0)
      if (this.#indexes.has(index)) continue
      this.#indexes.set(index, peer)
      return index
    }
  }

  releaseIndex(index: number): void {
    this.#indexes.delete(index)
  }

  wakeAt(peer: Peer, deadline: number): void {
    if (deadline === NEVER) return
    this.#timed.add(peer)
    if (deadline < this.#nextWake) this.#askFor(deadline)
  }

  // Datagrams

  #dispatch(datagram: Uint8Array, endpoint: string): void {
    if (this.#closed) return
    const type = messageType(datagram)
    switch (type) {
      case MessageType.Transport:
        this.#receiveTransport(datagram, endpoint)
        return
      case MessageType.Initiation:
        this.#checkHandshake(datagram, endpoint)
        this.#receiveInitiation(datagram, endpoint)
        return
      case MessageType.Response: {
        const peer = this.#peerAt(readUint32(datagram, 8))
        this.#checkHandshake(datagram, endpoint)
        peer.acceptResponse(datagram, endpoint)
        return
      }
      case MessageType.CookieReply:
        this.#peerAt(readUint32(datagram, 4)).acceptCookie(datagram)
        return
      case null:
        this.#drop('unknown-type')
    }
  }

  /**
   * What every handshake message passes before the costly part: mac1, and under load mac2 and the
   * limit of its source.
   */
  #checkHandshake(message: Uint8Array, endpoint: string): void {
    if (!this.#issuer.isMac1Valid(message)) {
      throw new WireguardError('bad-mac1', 'Cannot read handshake: mac1 is wrong')
    }
    const now = this.now()
    if (!this.#gauge.count(now)) return
    const source = encodeUtf8(endpoint)
    if (!this.#issuer.isMac2Valid(message, source, now)) {
      const reply = this.#issuer.reply(message, readUint32(message, 4), source, now)
      this.#effects.send(reply, endpoint)
      throw new WireguardError('under-load', 'Cannot read handshake: a cookie is needed')
    }
    if (!this.#limiter.allow(sourceAddress(endpoint), now)) {
      throw new WireguardError('rate-limited', 'Cannot read handshake: too many from this source')
    }
  }

  #receiveInitiation(message: Uint8Array, endpoint: string): void {
    const opened = readInitiation(this.local, message)
    const peer = this.#peer(nodePublicFromBytes(opened.remotePublicKey))
    if (peer === null) {
      opened.state.wipe()
      throw new WireguardError('unknown-peer', 'Cannot accept initiation: no such peer')
    }
    peer.acceptInitiation(opened, endpoint, message.length)
  }

  #receiveTransport(message: Uint8Array, endpoint: string): void {
    const peer = this.#peerAt(readUint32(message, 4))
    const content = peer.acceptTransport(message, endpoint)
    if (content.length === 0) return
    const length = innerPacketLength(content)
    if (length === 0) {
      this.#drop('bad-inner-packet')
      return
    }
    if (this.#routes.ownerOfSource(content) !== peer.key) {
      this.#drop('source-not-allowed')
      return
    }
    this.#effects.deliver(content.subarray(0, length), peer.key)
  }

  #peerAt(index: number): Peer {
    const peer = this.#indexes.get(index)
    if (peer === undefined) {
      throw new WireguardError('unknown-index', 'Cannot read message: nothing has this index')
    }
    return peer
  }

  // Peers

  /** Returns a configured peer; made when it is first spoken to, as most never are. */
  #peer(key: NodePublic): Peer | null {
    const known = this.#peers.get(key)
    if (known !== undefined) return known
    const config = this.#configs.get(key)
    if (config === undefined) return null
    const peer = new Peer({
      key,
      presharedKey: config.presharedKey ?? NO_PRESHARED_KEY,
      latestTimestamp: config.latestTimestamp ?? NO_TIMESTAMP,
      host: this,
    })
    peer.setCandidates(config.endpoints)
    this.#peers.set(key, peer)
    return peer
  }

  #askFor(deadline: number): void {
    this.#nextWake = deadline
    this.#effects.wakeAt?.(deadline)
  }

  #drop(reason: WireguardErrorCode): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1)
  }
}

function routesOf(configs: ReadonlyMap<NodePublic, PeerConfig>): AllowedIps<NodePublic> {
  const routes = new AllowedIps<NodePublic>()
  for (const [key, { allowedIps }] of configs) {
    for (const prefix of allowedIps) routes.add(prefix, key)
  }
  return routes
}

/** Same peers in the same order with the same lists (by identity, so that it costs no compare). */
function hasSameRoutes(
  before: ReadonlyMap<NodePublic, PeerConfig>,
  after: ReadonlyMap<NodePublic, PeerConfig>,
): boolean {
  if (before.size !== after.size) return false
  const order = before.entries()
  for (const [key, config] of after) {
    const entry = order.next().value
    if (entry === undefined || entry[0] !== key) return false
    if (entry[1].allowedIps !== config.allowedIps) return false
  }
  return true
}
