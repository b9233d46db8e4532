// SPDX-License-Identifier: Apache-2.0

/**
 * This relay as a client of another one of its region: it says that it knows the mesh key, asks to be
 * told who comes and goes there, and hands over packets for those.
 *
 * @module
 */

import { type DerpMeshKey, type NodePublic } from '@signet/keys'
import { encodePong, encodeWatchConns, GreetingReader, PeerPresentFlag } from './client.ts'
import { type ServerMessage, ServerMessageReader } from './client.ts'
import { DerpError } from './errors.ts'
import { FrameType } from './frames.ts'
import type { Hub, Peer } from './hub.ts'
import { DERP_VERSION, encodeClientInfo } from './info.ts'
import { FRAME_HEADER_LENGTH, KEY_LENGTH, MAX_LINK_PEERS } from './limits.ts'
import { FORWARDED_AT, Outbox, type RelayTransport } from './outbox.ts'
import type { MeshLink } from './relay.ts'

/** One link. */
export class Link implements MeshLink {
  readonly outbox: Outbox
  isTouched = false
  isReady = false
  readonly #hub: Hub
  readonly #transport: RelayTransport
  readonly #meshKey: DerpMeshKey
  readonly #greeting = new GreetingReader()
  readonly #peers = new Map<NodePublic, Peer>()
  #serverKey: NodePublic | undefined
  #reader: ServerMessageReader | undefined
  #isClosed = false

  constructor(hub: Hub, transport: RelayTransport, meshKey: DerpMeshKey) {
    this.#hub = hub
    this.#transport = transport
    this.#meshKey = meshKey
    this.outbox = new Outbox(transport, hub.counters, FORWARDED_AT)
  }

  get serverKey(): NodePublic | undefined {
    return this.#serverKey
  }

  get size(): number {
    return this.#peers.size
  }

  get dropped(): number {
    return this.outbox.dropped
  }

  receive(chunk: Uint8Array): void {
    if (this.#isClosed) throw new DerpError('closed', 'Cannot receive: the link is closed')
    try {
      const rest = this.#reader === undefined ? this.#greet(chunk) : chunk
      if (rest !== undefined) this.#reader?.push(rest, (message) => this.#take(message))
    } finally {
      this.#hub.flush()
    }
  }

  drain(): void {
    if (!this.#isClosed) this.outbox.flush()
  }

  closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.outbox.clear()
    for (const peer of this.#peers.values()) this.#hub.leaveRemote(this, peer)
    this.#peers.clear()
    this.#hub.flush()
  }

  /** Hands over a packet of a client here: the receiver's key and the data lie from `at` to `end`. */
  forward(source: Uint8Array, buffer: Uint8Array, at: number, end: number): void {
    this.#hub.counters.forwarded++
    // One key longer than what came, so it cannot stay where it lies.
    const length = KEY_LENGTH + (end - at)
    const frame = new Uint8Array(FRAME_HEADER_LENGTH + length)
    frame[0] = FrameType.ForwardPacket
    new DataView(frame.buffer).setUint32(1, length)
    frame.set(source, FRAME_HEADER_LENGTH)
    frame.set(buffer.subarray(at, end), FRAME_HEADER_LENGTH + KEY_LENGTH)
    this.outbox.packet(frame, 0, frame.length)
    this.#hub.touch(this)
  }

  /** Reads the greeting and introduces this relay; returns what came behind it. */
  #greet(chunk: Uint8Array): Uint8Array | undefined {
    const greeting = this.#greeting.push(chunk)
    if (greeting === undefined) return undefined
    const { serverKey, rest } = greeting
    if (serverKey === this.#hub.publicKey) {
      throw new DerpError('own-relay', 'Cannot link to another relay: it is this one')
    }
    this.#serverKey = serverKey
    const { serverKey: clientKey, nonce } = this.#hub.options
    this.#reader = new ServerMessageReader(clientKey, serverKey)
    const info = {
      version: DERP_VERSION,
      canAckPings: true,
      isProber: false,
      appName: '',
      meshKey: this.#meshKey,
    }
    this.#transport.write([
      encodeClientInfo({ clientKey, serverKey, nonce: nonce(), info }),
      encodeWatchConns(),
    ])
    return rest
  }

  #take(message: ServerMessage): void {
    switch (message.type) {
      case 'server-info':
        this.isReady = true
        return
      case 'peer-present':
        this.#add(message.peer, message.flags)
        return
      case 'peer-gone':
        // For whatever reason: it is not there.
        this.#remove(message.peer)
        return
      case 'ping':
        this.outbox.notice('pong', encodePong(message.data))
        this.#hub.touch(this)
        return
      case 'packet':
      case 'keepalive':
      case 'pong':
      case 'health':
      case 'restarting':
        // Packets for a relay itself mean nothing, and when to come back is the caller's business.
        return
    }
  }

  #add(key: NodePublic, flags: number): void {
    // The relays themselves, this one among them, get no packets.
    if (key === this.#hub.publicKey || (flags & PeerPresentFlag.Mesh) !== 0) return
    if (this.#peers.has(key)) return
    if (this.#peers.size >= MAX_LINK_PEERS) {
      throw new DerpError('too-large', `Cannot follow more than ${MAX_LINK_PEERS} clients`)
    }
    this.#peers.set(key, this.#hub.joinRemote(this, key))
  }

  #remove(key: NodePublic): void {
    const peer = this.#peers.get(key)
    if (peer === undefined) return
    this.#peers.delete(key)
    this.#hub.leaveRemote(this, peer)
  }
}
