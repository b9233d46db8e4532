// SPDX-License-Identifier: Apache-2.0

/**
 * The relay: who is connected, and what goes to whom. Sans-I/O: bytes come in by
 * {@link RelayConnection.receive}, go out by a {@link RelayTransport}, and the clock is passed in.
 *
 *     greeting ->            the relay's key
 *     <- client info         the client's key, and the proof that it is its own
 *     server info ->
 *     <- packets, pings      to other clients, by key
 *     packets, notices ->
 *
 * A key may be connected several times, as when a laptop changes networks and the relay has not
 * noticed that the old connection is dead. All are kept; the one that spoke last receives.
 *
 * @module
 */

import { constantTimeEqual } from '@signet/crypto'
import {
  type DerpMeshKey,
  type NodePrivate,
  type NodePublic,
  nodePublicBytes,
  nodePublicFromBytes,
  nodePublicOf,
  privateKeyBytes,
} from '@signet/keys'
import { PeerGoneReason, PeerPresentFlag } from './client.ts'
import { copyOf } from './copy.ts'
import { looksLikeDisco } from './disco-mark.ts'
import { DerpError } from './errors.ts'
import { encodeFrame, FrameReader, FrameType } from './frames.ts'
import {
  checkClientInfoLength,
  type ClientInfo,
  DERP_VERSION,
  encodeGreeting,
  encodeServerInfo,
  openClientInfo,
} from './info.ts'
import { KeyTable } from './key-table.ts'
import {
  FRAME_HEADER_LENGTH,
  KEY_LENGTH,
  MAX_CONNECTIONS_PER_KEY,
  MAX_PACKET,
  MAX_PING,
  NOT_HERE_BURST,
  NOT_HERE_PER_SECOND,
  PING_LENGTH,
} from './limits.ts'
import { Outbox, type RelayTransport } from './outbox.ts'
import { TokenBucket } from './token-bucket.ts'

/** What a relay is made of. */
export interface RelayOptions {
  readonly serverKey: NodePrivate
  /** Shared by the relays of a region; without one nobody is privileged. */
  readonly meshKey?: DerpMeshKey | undefined
  /** Says whether a client may use this relay. Clients with the mesh key are not asked about. */
  readonly admit: (key: NodePublic) => boolean
  readonly now: () => number
  /** Returns 24 random bytes. */
  readonly nonce: () => Uint8Array
}

/** Where a client connects from. */
export interface RelayOrigin {
  /** 16 bytes; IPv4 addresses mapped. */
  readonly address: Uint8Array
  readonly port: number
  /** It said that it would rather be at another relay of the region. */
  readonly isNotIdeal?: boolean | undefined
}

/** One connection, admitted or not yet. */
export interface RelayConnection {
  /** The client's key; undefined until it has proved it and was admitted. */
  readonly key: NodePublic | undefined
  /** Packets that were lost because this client did not read. */
  readonly dropped: number
  /**
   * Takes the next bytes from the client. The chunk becomes the relay's: packets go out from where
   * they lie in it, with the header changed.
   *
   * @throws DerpError then the caller closes the transport and calls `closed`
   */
  receive(chunk: Uint8Array): void
  /** The transport takes bytes again. */
  drain(): void
  /** Sends a keep-alive; to be called about once a minute. */
  keepAlive(): void
  /** The transport is closed. */
  closed(): void
}

/** A relay. */
export interface Relay {
  readonly publicKey: NodePublic
  /** Keys that are connected. */
  readonly size: number
  /** Greets a client. Anything may be done before it is admitted but waiting: set a deadline. */
  accept(transport: RelayTransport, origin: RelayOrigin): RelayConnection
  /** Closes the connections of clients that are no longer admitted. */
  recheck(): void
}

/** Returns a relay without connections. */
export function createRelay(options: RelayOptions): Relay {
  return new Hub(options)
}

/** Everybody who is connected with one key. */
interface Peer {
  readonly key: NodePublic
  readonly raw: Uint8Array
  /** The one that spoke last is last, and receives. */
  readonly connections: Connection[]
  /** Connections that got a packet from this peer, and want to know when it is gone. */
  readonly receivers: Set<Connection>
}

class Hub implements Relay {
  readonly publicKey: NodePublic
  readonly options: RelayOptions
  readonly peers = new KeyTable<Peer>()
  /** Relays of the region that are told who comes and goes. */
  readonly watchers = new Set<Connection>()
  /** Connections with something to write when the chunk at hand is done. */
  #unwritten: Connection[] = []

  constructor(options: RelayOptions) {
    this.options = options
    this.publicKey = nodePublicOf(options.serverKey)
  }

  get size(): number {
    return this.peers.size
  }

  accept(transport: RelayTransport, origin: RelayOrigin): RelayConnection {
    transport.write([encodeGreeting(this.publicKey)])
    return new Connection(this, transport, origin)
  }

  recheck(): void {
    const refused: Connection[] = []
    for (const peer of this.peers) {
      if (this.options.admit(peer.key)) continue
      refused.push(...peer.connections.filter((connection) => !connection.isMesh))
    }
    for (const connection of refused) connection.transport.close()
  }

  /** Notes that a connection has something to write. */
  touch(connection: Connection): void {
    if (connection.isTouched) return
    connection.isTouched = true
    this.#unwritten.push(connection)
  }

  /** Writes what has come together. */
  flush(): void {
    const touched = this.#unwritten
    if (touched.length === 0) return
    this.#unwritten = []
    for (const connection of touched) {
      connection.isTouched = false
      connection.outbox.flush()
    }
  }

  join(connection: Connection, key: NodePublic): Peer {
    const raw = nodePublicBytes(key)
    let peer = this.peers.find(raw, 0)
    if (peer === undefined) {
      peer = { key, raw, connections: [], receivers: new Set() }
      this.peers.add(peer)
    }
    peer.connections.push(connection)
    if (peer.connections.length > MAX_CONNECTIONS_PER_KEY) peer.connections[0]?.transport.close()
    this.#tellWatchers(peer.key, presentFrame(peer, connection))
    return peer
  }

  leave(connection: Connection, peer: Peer): void {
    const at = peer.connections.indexOf(connection)
    if (at !== -1) peer.connections.splice(at, 1)
    this.watchers.delete(connection)
    if (peer.connections.length > 0) return
    this.peers.delete(peer)
    const gone = goneFrame(peer.raw, PeerGoneReason.Disconnected)
    for (const receiver of peer.receivers) {
      receiver.heardFrom.delete(peer)
      receiver.notice(`gone ${peer.key}`, gone)
    }
    peer.receivers.clear()
    this.#tellWatchers(peer.key, gone)
  }

  watch(connection: Connection): void {
    // A relay that connected to itself learns nothing new.
    if (connection.key === this.publicKey) return
    this.watchers.add(connection)
    for (const peer of this.peers) {
      const active = peer.connections.at(-1)
      if (active) connection.notice(`presence ${peer.key}`, presentFrame(peer, active))
    }
  }

  #tellWatchers(key: NodePublic, frame: Uint8Array): void {
    for (const watcher of this.watchers) watcher.notice(`presence ${key}`, frame)
  }
}

class Connection implements RelayConnection {
  readonly transport: RelayTransport
  readonly origin: RelayOrigin
  readonly outbox: Outbox
  readonly heardFrom = new Set<Peer>()
  isTouched = false
  isMesh = false
  #info: ClientInfo | undefined
  readonly #hub: Hub
  readonly #reader = new FrameReader((type, length) => this.#judge(type, length))
  readonly #take = (buffer: Uint8Array, start: number, end: number): void =>
    this.#frame(buffer, start, end)
  readonly #notHere: TokenBucket
  #peer: Peer | undefined
  #isClosed = false

  constructor(hub: Hub, transport: RelayTransport, origin: RelayOrigin) {
    this.#hub = hub
    this.transport = transport
    this.origin = origin
    this.outbox = new Outbox(transport)
    this.#notHere = new TokenBucket(NOT_HERE_PER_SECOND, NOT_HERE_BURST, hub.options.now())
  }

  get key(): NodePublic | undefined {
    return this.#peer?.key
  }

  get dropped(): number {
    return this.outbox.dropped
  }

  get presence(): number {
    const { Prober, Mesh, NotIdeal, Regular } = PeerPresentFlag
    const flags =
      (this.#info?.isProber === true ? Prober : 0) |
      (this.isMesh ? Mesh : 0) |
      (this.origin.isNotIdeal === true ? NotIdeal : 0)
    return flags === 0 ? Regular : flags
  }

  receive(chunk: Uint8Array): void {
    if (this.#isClosed) throw new DerpError('closed', 'Cannot receive: the connection is closed')
    try {
      this.#reader.push(chunk, this.#take)
    } finally {
      this.#hub.flush()
    }
  }

  drain(): void {
    if (!this.#isClosed) this.outbox.flush()
  }

  keepAlive(): void {
    if (this.#isClosed || this.#peer === undefined) return
    this.outbox.keepAlive()
    this.outbox.flush()
  }

  closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.outbox.clear()
    for (const peer of this.heardFrom) peer.receivers.delete(this)
    this.heardFrom.clear()
    if (this.#peer !== undefined) this.#hub.leave(this, this.#peer)
    this.#hub.flush()
  }

  notice(name: string, frame: Uint8Array): void {
    if (this.#isClosed) return
    this.outbox.notice(name, frame)
    this.#hub.touch(this)
  }

  /** Judges a frame by its header, so that nothing too long is ever kept. */
  #judge(type: number, length: number): boolean {
    if (this.#peer === undefined) {
      if (type !== FrameType.ClientInfo) {
        throw new DerpError('bad-frame', `Cannot admit client: its first frame has type ${type}`)
      }
      checkClientInfoLength(length)
      return true
    }
    switch (type) {
      case FrameType.SendPacket:
        return within(type, length, KEY_LENGTH, KEY_LENGTH + MAX_PACKET)
      case FrameType.ForwardPacket:
        this.#requireMesh(type)
        return within(type, length, 2 * KEY_LENGTH, 2 * KEY_LENGTH + MAX_PACKET)
      case FrameType.NotePreferred:
        return within(type, length, 1, 1)
      case FrameType.Ping:
        return within(type, length, PING_LENGTH, MAX_PING)
      case FrameType.WatchConns:
        this.#requireMesh(type)
        return within(type, length, 0, 0)
      case FrameType.ClosePeer:
        this.#requireMesh(type)
        return within(type, length, KEY_LENGTH, KEY_LENGTH)
      default:
        // Of a later version, or not for us: skipped, however long.
        return false
    }
  }

  #requireMesh(type: number): void {
    if (!this.isMesh) {
      throw new DerpError('not-permitted', `Cannot take frame of type ${type}: no mesh key`)
    }
  }

  #frame(buffer: Uint8Array, start: number, end: number): void {
    const peer = this.#peer
    if (peer === undefined) {
      this.#admit(buffer.subarray(start + FRAME_HEADER_LENGTH, end))
      return
    }
    // Whoever speaks is alive, and receives from now on.
    const last = peer.connections.length - 1
    if (peer.connections[last] !== this) {
      const at = peer.connections.indexOf(this)
      if (at !== -1) peer.connections.splice(at, 1)
      peer.connections.push(this)
    }
    const payload = start + FRAME_HEADER_LENGTH
    switch (buffer[start]) {
      case FrameType.SendPacket: {
        const target = this.#targetAt(buffer, payload, end)
        if (target === undefined) return
        // Sender in the place of receiver: a frame of the same length, where it lies.
        buffer[start] = FrameType.RecvPacket
        buffer.set(peer.raw, payload)
        target.#deliver(peer, buffer, start, end)
        return
      }
      case FrameType.ForwardPacket: {
        const target = this.#targetAt(buffer, payload + KEY_LENGTH, end)
        if (target === undefined) return
        // The sender's key moves over the receiver's, and the header in front of it.
        const source = this.#hub.peers.find(buffer, payload)
        buffer.copyWithin(payload + KEY_LENGTH, payload, payload + KEY_LENGTH)
        writeHeader(buffer, start + KEY_LENGTH, FrameType.RecvPacket, end - payload - KEY_LENGTH)
        target.#deliver(source, buffer, start + KEY_LENGTH, end)
        return
      }
      case FrameType.Ping: {
        // One answer may wait; who pings faster than it reads gets fewer.
        const data = buffer.subarray(payload, payload + PING_LENGTH)
        this.notice('pong', encodeFrame(FrameType.Pong, data))
        return
      }
      case FrameType.WatchConns:
        this.#hub.watch(this)
        return
      case FrameType.ClosePeer: {
        const target = this.#hub.peers.find(buffer, payload)
        // A copy: closing takes connections out of the list.
        for (const each of target?.connections.slice() ?? []) each.transport.close()
        return
      }
      default:
        // Whether this is the client's home: counted by nobody.
        return
    }
  }

  #admit(payload: Uint8Array): void {
    const { serverKey, meshKey, admit, nonce } = this.#hub.options
    const { clientKey, info, sharedKey } = openClientInfo(serverKey, payload)
    this.isMesh =
      meshKey !== undefined &&
      info.meshKey !== null &&
      constantTimeEqual(privateKeyBytes(meshKey), privateKeyBytes(info.meshKey))
    if (!this.isMesh && !admit(clientKey)) {
      throw new DerpError('not-admitted', `Cannot admit ${clientKey}: not a node of this network`)
    }
    this.#info = info
    this.#peer = this.#hub.join(this, clientKey)
    const answer = { version: DERP_VERSION, bytesPerSecond: 0, burst: 0 }
    this.notice('server-info', encodeServerInfo(sharedKey, nonce(), answer))
  }

  /** Finds who receives a packet. If nobody does, the sender of a discovery packet is told. */
  #targetAt(buffer: Uint8Array, at: number, end: number): Connection | undefined {
    const connections = this.#hub.peers.find(buffer, at)?.connections
    const target = connections?.[connections.length - 1]
    if (target !== undefined) return target
    const isDisco = looksLikeDisco(buffer, at + KEY_LENGTH, end)
    if (isDisco && this.#notHere.take(this.#hub.options.now())) {
      const raw = copyOf(buffer, at, at + KEY_LENGTH)
      const frame = goneFrame(raw, PeerGoneReason.NotHere)
      this.notice(`gone ${nodePublicFromBytes(raw)}`, frame)
    }
    return undefined
  }

  #deliver(source: Peer | undefined, buffer: Uint8Array, start: number, end: number): void {
    if (source !== undefined && !this.heardFrom.has(source)) {
      this.heardFrom.add(source)
      source.receivers.add(this)
    }
    this.outbox.packet(buffer, start, end)
    if (!this.isTouched) this.#hub.touch(this)
  }
}

function within(type: number, length: number, min: number, max: number): boolean {
  if (length >= min && length <= max) return true
  const code = length > max && max > 1 ? 'too-large' : 'bad-frame'
  const what = `${length} bytes, expected ${min} to ${max}`
  throw new DerpError(code, `Cannot take frame of type ${type}: ${what}`)
}

function writeHeader(buffer: Uint8Array, at: number, type: number, length: number): void {
  buffer[at] = type
  buffer[at + 1] = length >>> 24
  buffer[at + 2] = length >>> 16
  buffer[at + 3] = length >>> 8
  buffer[at + 4] = length
}

function goneFrame(raw: Uint8Array, reason: number): Uint8Array {
  return encodeFrame(FrameType.PeerGone, raw, Uint8Array.of(reason))
}

function presentFrame(peer: Peer, { origin, presence }: Connection): Uint8Array {
  const rest = Uint8Array.of(origin.port >> 8, origin.port & 0xff, presence)
  return encodeFrame(FrameType.PeerPresent, peer.raw, origin.address, rest)
}
