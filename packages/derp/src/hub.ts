// SPDX-License-Identifier: Apache-2.0

/**
 * The middle of a relay: who is connected where, and who is told about it.
 *
 * @module
 */

import { type NodePublic, nodePublicBytes, nodePublicOf } from '@signet/keys'
import { PeerGoneReason } from './client.ts'
import { Connection } from './connection.ts'
import { DerpError } from './errors.ts'
import { encodeGreeting } from './info.ts'
import { KeyTable } from './key-table.ts'
import { MAX_CONNECTIONS_PER_KEY } from './limits.ts'
import { Link } from './mesh-link.ts'
import type { Outbox, RelayTransport } from './outbox.ts'
import { goneFrame, presentFrame, restartingFrame } from './peer-frames.ts'
import type {
  MeshLink,
  Relay,
  RelayConnection,
  RelayCounters,
  RelayOptions,
  RelayOrigin,
} from './relay.ts'

/** Everybody who is connected with one key, here or at another relay of the region. */
export interface Peer {
  readonly key: NodePublic
  readonly raw: Uint8Array
  /** The one that spoke last is last, and receives. */
  readonly connections: Connection[]
  /** Links to the relays that have it, too; the oldest is used, and none while it is here. */
  readonly links: Link[]
  /** Connections that got a packet from this peer, and want to know when it is gone. */
  readonly receivers: Set<Connection>
}

/** The relay's middle: every peer, local or reached through another relay. */
export class Hub implements Relay {
  readonly publicKey: NodePublic
  readonly options: RelayOptions
  readonly peers: KeyTable<Peer> = new KeyTable()
  readonly counters: Counters = {
    packets: 0,
    bytes: 0,
    forwarded: 0,
    fromMesh: 0,
    droppedQueueFull: 0,
    droppedUnknown: 0,
    droppedGone: 0,
  }
  /** Relays of the region that are told who comes and goes. */
  readonly watchers: Set<Connection> = new Set()
  /** Peers with connections here. */
  #local = 0
  /** Outboxes with something to write when the chunk at hand is done. */
  #unwritten: Writer[] = []

  constructor(options: RelayOptions) {
    this.options = options
    this.publicKey = nodePublicOf(options.serverKey)
  }

  get size(): number {
    return this.#local
  }

  get remoteSize(): number {
    return this.peers.size - this.#local
  }

  accept(transport: RelayTransport, origin: RelayOrigin): RelayConnection {
    transport.write([encodeGreeting(this.publicKey)])
    return new Connection(this, transport, origin)
  }

  link(transport: RelayTransport): MeshLink {
    const { meshKey } = this.options
    if (meshKey === undefined) {
      throw new DerpError('not-permitted', 'Cannot link to another relay: there is no mesh key')
    }
    return new Link(this, transport, meshKey)
  }

  recheck(mayStay?: (key: NodePublic) => boolean): void {
    const stays = mayStay ?? ((key) => this.options.refusal(key) === undefined)
    const refused: Connection[] = []
    for (const peer of this.peers) {
      const clients = peer.connections.filter((connection) => !connection.isMesh)
      if (clients.length > 0 && !stays(peer.key)) refused.push(...clients)
    }
    for (const connection of refused) connection.transport.close()
  }

  announceRestart(reconnectInMs: () => number, tryForMs: number): void {
    for (const peer of this.peers) {
      for (const connection of peer.connections) {
        connection.notice('restarting', restartingFrame(reconnectInMs(), tryForMs))
      }
    }
    this.flush()
  }

  /** Notes that somebody has something to write. */
  touch(writer: Writer): void {
    if (writer.isTouched) return
    writer.isTouched = true
    this.#unwritten.push(writer)
  }

  /** Writes what has come together. */
  flush(): void {
    const touched = this.#unwritten
    if (touched.length === 0) return
    this.#unwritten = []
    for (const writer of touched) {
      writer.isTouched = false
      writer.outbox.flush()
    }
  }

  join(connection: Connection, key: NodePublic): Peer {
    const peer = this.#peerOf(key)
    if (peer.connections.length === 0) this.#local++
    peer.connections.push(connection)
    if (peer.connections.length > MAX_CONNECTIONS_PER_KEY) peer.connections[0]?.transport.close()
    this.#tellWatchers(peer.key, presentFrame(peer.raw, connection.origin, connection.presence))
    return peer
  }

  leave(connection: Connection, peer: Peer): void {
    this.watchers.delete(connection)
    const at = peer.connections.indexOf(connection)
    if (at === -1) return
    peer.connections.splice(at, 1)
    if (peer.connections.length > 0) return
    this.#local--
    this.#tellWatchers(peer.key, goneFrame(peer.raw, PeerGoneReason.Disconnected))
    this.#release(peer)
  }

  /** Another relay has this peer. */
  joinRemote(link: Link, key: NodePublic): Peer {
    const peer = this.#peerOf(key)
    if (!peer.links.includes(link)) peer.links.push(link)
    return peer
  }

  /** Another relay has it no more. */
  leaveRemote(link: Link, peer: Peer): void {
    const at = peer.links.indexOf(link)
    if (at === -1) return
    peer.links.splice(at, 1)
    if (peer.connections.length === 0) this.#release(peer)
  }

  watch(connection: Connection): void {
    // A relay that connected to itself learns nothing new.
    if (connection.key === this.publicKey) return
    this.watchers.add(connection)
    for (const { key, raw, connections } of this.peers) {
      const active = connections.at(-1)
      if (active === undefined) continue
      connection.notice(`presence ${key}`, presentFrame(raw, active.origin, active.presence))
    }
  }

  #peerOf(key: NodePublic): Peer {
    const raw = nodePublicBytes(key)
    const known = this.peers.find(raw, 0)
    if (known !== undefined) return known
    const peer: Peer = { key, raw, connections: [], links: [], receivers: new Set() }
    this.peers.add(peer)
    return peer
  }

  /** Forgets a peer that is nowhere any more, and tells those who heard from it. */
  #release(peer: Peer): void {
    if (peer.links.length > 0) return
    this.peers.delete(peer)
    const gone = goneFrame(peer.raw, PeerGoneReason.Disconnected)
    for (const receiver of peer.receivers) {
      receiver.heardFrom.delete(peer)
      receiver.notice(`gone ${peer.key}`, gone)
    }
    peer.receivers.clear()
  }

  #tellWatchers(key: NodePublic, frame: Uint8Array): void {
    for (const watcher of this.watchers) watcher.notice(`presence ${key}`, frame)
  }
}

/** Something with an outbox: a client, or a link to another relay. */
interface Writer {
  isTouched: boolean
  readonly outbox: Outbox
}

/** The counters, while they count. */
export type Counters = { -readonly [Name in keyof RelayCounters]: RelayCounters[Name] }
