// SPDX-License-Identifier: Apache-2.0

/**
 * One client of a relay: what it may say, and what becomes of it.
 *
 * @module
 */

import { constantTimeEqual } from '@signet/crypto'
import { type NodePublic, nodePublicFromBytes, privateKeyBytes } from '@signet/keys'
import { PeerGoneReason, PeerPresentFlag } from './client.ts'
import { copyOf } from './copy.ts'
import { looksLikeDisco } from './disco-mark.ts'
import { DerpError } from './errors.ts'
import { encodeFrame, FrameReader, FrameType } from './frames.ts'
import type { Hub, Peer } from './hub.ts'
import {
  checkClientInfoLength,
  type ClientInfo,
  DERP_VERSION,
  encodeServerInfo,
  openClientInfo,
} from './info.ts'
import {
  FRAME_HEADER_LENGTH,
  KEY_LENGTH,
  MAX_PACKET,
  MAX_PING,
  MIN_RATE_BURST,
  NOT_HERE_BURST,
  NOT_HERE_PER_SECOND,
  PING_LENGTH,
} from './limits.ts'
import { Outbox, type RelayTransport } from './outbox.ts'
import { goneFrame } from './peer-frames.ts'
import type { RelayConnection, RelayOrigin } from './relay.ts'
import { TokenBucket } from './token-bucket.ts'

/** The connection of a client, or of a relay that knows the mesh key. */
export class Connection implements RelayConnection {
  readonly transport: RelayTransport
  readonly origin: RelayOrigin
  readonly outbox: Outbox
  readonly heardFrom: Set<Peer> = new Set()
  isTouched = false
  isMesh = false
  #info: ClientInfo | undefined
  readonly #hub: Hub
  readonly #reader = new FrameReader((type, length) => this.#judge(type, length))
  readonly #take = (buffer: Uint8Array, start: number, end: number): void =>
    this.#frame(buffer, start, end)
  readonly #notHere: TokenBucket
  /** What it may still send; undefined for as much as it likes. */
  #rate: TokenBucket | undefined
  #peer: Peer | undefined
  #isClosed = false

  constructor(hub: Hub, transport: RelayTransport, origin: RelayOrigin) {
    this.#hub = hub
    this.transport = transport
    this.origin = origin
    this.outbox = new Outbox(transport, hub.counters)
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

  receive(chunk: Uint8Array): number {
    if (this.#isClosed) throw new DerpError('closed', 'Cannot receive: the connection is closed')
    // What came with the introduction was not promised anything yet.
    const rate = this.#rate
    try {
      this.#reader.push(chunk, this.#take)
    } finally {
      this.#hub.flush()
    }
    return rate?.spend(chunk.length, this.#hub.options.now()) ?? 0
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
    // A frame before this one may have closed the connection: what is not connected receives nothing any more.
    if (this.#isClosed) return
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
        const { counters } = this.#hub
        counters.packets++
        counters.bytes += end - payload - KEY_LENGTH
        const found = this.#hub.peers.find(buffer, payload)
        const target = found?.connections.at(-1)
        if (target === undefined) {
          // At another relay of the region, if anywhere.
          const link = found?.links[0]
          if (link === undefined) this.#notHereAt(buffer, payload, end)
          else link.forward(peer.raw, buffer, payload, end)
          return
        }
        // Sender in the place of receiver: a frame of the same length, where it lies.
        buffer[start] = FrameType.RecvPacket
        buffer.set(peer.raw, payload)
        target.#deliver(peer, buffer, start, end)
        return
      }
      case FrameType.ForwardPacket: {
        this.#hub.counters.fromMesh++
        // To clients of this relay only: a packet that was handed over once is not handed on.
        const target = this.#hub.peers.find(buffer, payload + KEY_LENGTH)?.connections.at(-1)
        if (target === undefined) {
          this.#notHereAt(buffer, payload + KEY_LENGTH, end)
          return
        }
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
    const { serverKey, meshKey, refusal, nonce, rate, now } = this.#hub.options
    const { clientKey, info, sharedKey } = openClientInfo(serverKey, payload)
    this.isMesh =
      meshKey !== undefined &&
      info.meshKey !== null &&
      constantTimeEqual(privateKeyBytes(meshKey), privateKeyBytes(info.meshKey))
    const reason = this.isMesh ? undefined : refusal(clientKey)
    if (reason !== undefined) {
      throw new DerpError('not-admitted', `Cannot admit ${clientKey}: ${reason}`)
    }
    this.#info = info
    let answer = { version: DERP_VERSION, bytesPerSecond: 0, burst: 0 }
    if (rate !== undefined && !this.isMesh) {
      const { bytesPerSecond } = rate
      const burst = Math.max(rate.burst, MIN_RATE_BURST)
      this.#rate = new TokenBucket(bytesPerSecond, burst, now())
      if (rate.advertise) answer = { ...answer, bytesPerSecond, burst }
    }
    this.#peer = this.#hub.join(this, clientKey)
    this.notice('server-info', encodeServerInfo(sharedKey, nonce(), answer))
  }

  /** Nobody receives the packet for the key at `at`. Who looks for a path is told. */
  #notHereAt(buffer: Uint8Array, at: number, end: number): void {
    this.#hub.counters.droppedUnknown++
    if (!looksLikeDisco(buffer, at + KEY_LENGTH, end)) return
    if (!this.#notHere.take(this.#hub.options.now())) return
    const raw = copyOf(buffer, at, at + KEY_LENGTH)
    const frame = goneFrame(raw, PeerGoneReason.NotHere)
    this.notice(`gone ${nodePublicFromBytes(raw)}`, frame)
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
