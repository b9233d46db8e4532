// SPDX-License-Identifier: Apache-2.0

/**
 * The client's side: what it sends, and what it makes of what a relay sends.
 *
 * @module
 */

import { decodeUtf8 } from '@signet/codec'
import {
  type NodePrivate,
  type NodePublic,
  nodePublicBytes,
  nodePublicFromBytes,
} from '@signet/keys'
import { DerpError } from './errors.ts'
import { encodeFrame, FrameReader, FrameType, readUint32 } from './frames.ts'
import { openServerInfo, parseGreeting, sharedKeyOf } from './info.ts'
import {
  FRAME_HEADER_LENGTH,
  KEY_LENGTH,
  MAX_CLIENT_FRAME,
  MAX_GREETING,
  MAX_PACKET,
  PING_LENGTH,
} from './limits.ts'

/** Why a peer is gone. Others may come from later versions. */
export const PeerGoneReason = {
  /** It was connected to this relay, and is no more. */
  Disconnected: 0,
  /** This relay does not know it. */
  NotHere: 1,
} as const

/** Bits that say what a connected peer is. */
export const PeerPresentFlag = { Regular: 1, Mesh: 2, Prober: 4, NotIdeal: 8 } as const

/** What a relay can say to a client. Bytes are views of what was pushed. */
export type ServerMessage =
  | { readonly type: 'server-info'; readonly bytesPerSecond: number; readonly burst: number }
  | { readonly type: 'packet'; readonly source: NodePublic; readonly data: Uint8Array }
  | { readonly type: 'keepalive' }
  | { readonly type: 'peer-gone'; readonly peer: NodePublic; readonly reason: number }
  | {
      readonly type: 'peer-present'
      readonly peer: NodePublic
      /** 16 bytes, or null if an old relay does not say. */
      readonly address: Uint8Array | null
      readonly port: number
      readonly flags: number
    }
  | { readonly type: 'ping' | 'pong'; readonly data: Uint8Array }
  /** Empty when all is well again. */
  | { readonly type: 'health'; readonly problem: string }
  | { readonly type: 'restarting'; readonly reconnectInMs: number; readonly tryForMs: number }

/**
 * Returns the frame that sends a packet.
 *
 * @throws DerpError `too-large`
 */
export function encodeSendPacket(destination: NodePublic, packet: Uint8Array): Uint8Array {
  checkPacket(packet.length)
  return encodeFrame(FrameType.SendPacket, nodePublicBytes(destination), packet)
}

/**
 * Returns the frame by which one relay of a region hands a packet to another.
 *
 * @throws DerpError `too-large`
 */
export function encodeForwardPacket(
  source: NodePublic,
  destination: NodePublic,
  packet: Uint8Array,
): Uint8Array {
  checkPacket(packet.length)
  const keys = [nodePublicBytes(source), nodePublicBytes(destination)]
  return encodeFrame(FrameType.ForwardPacket, ...keys, packet)
}

/** Returns a ping with eight bytes to echo. */
export function encodePing(data: Uint8Array): Uint8Array {
  return encodeFrame(FrameType.Ping, data.subarray(0, PING_LENGTH))
}

/** Returns the echo of a ping. */
export function encodePong(data: Uint8Array): Uint8Array {
  return encodeFrame(FrameType.Pong, data.subarray(0, PING_LENGTH))
}

/** Returns the frame that says whether this relay is the client's home. */
export function encodeNotePreferred(preferred: boolean): Uint8Array {
  return encodeFrame(FrameType.NotePreferred, Uint8Array.of(preferred ? 1 : 0))
}

/** Returns the frame by which a relay of the region asks to be told who is connected. */
export function encodeWatchConns(): Uint8Array {
  return encodeFrame(FrameType.WatchConns)
}

/** Returns the frame by which a relay of the region has a client disconnected. */
export function encodeClosePeer(peer: NodePublic): Uint8Array {
  return encodeFrame(FrameType.ClosePeer, nodePublicBytes(peer))
}

/** Reads the one frame that a relay sends before it knows anything. */
export class GreetingReader {
  readonly #reader = new FrameReader((type, length) => {
    if (type !== FrameType.ServerKey || length > MAX_GREETING) {
      throw new DerpError('bad-greeting', `Cannot read greeting: type ${type}, ${length} bytes`)
    }
    return true
  })
  #serverKey: NodePublic | undefined

  /**
   * Takes the next bytes; returns the relay's key and what follows once the greeting is complete.
   *
   * @throws DerpError `bad-greeting`, `zero-key`
   */
  push(
    chunk: Uint8Array,
  ): { readonly serverKey: NodePublic; readonly rest: Uint8Array } | undefined {
    // Byte by byte up to the end of the first frame; it is short, and comes once.
    for (let at = 0; at < chunk.length; at++) {
      this.#reader.push(chunk.subarray(at, at + 1), (buffer, start, end) => {
        this.#serverKey = parseGreeting(buffer.subarray(start + FRAME_HEADER_LENGTH, end))
      })
      if (this.#serverKey !== undefined) {
        return { serverKey: this.#serverKey, rest: chunk.subarray(at + 1) }
      }
    }
    return undefined
  }

  /** Says that the stream is over. @throws DerpError `truncated` */
  end(): void {
    this.#reader.end()
  }
}

/** Reads what a relay sends after its greeting. The first error is final. */
export class ServerMessageReader {
  readonly #sharedKey: Uint8Array
  readonly #reader = new FrameReader((type, length) => {
    if (length > MAX_CLIENT_FRAME) {
      const what = `${length} bytes, limit ${MAX_CLIENT_FRAME}`
      throw new DerpError('too-large', `Cannot read frame of type ${type}: ${what}`)
    }
    return KNOWN.has(type)
  })

  constructor(clientKey: NodePrivate, serverKey: NodePublic) {
    this.#sharedKey = sharedKeyOf(clientKey, serverKey)
  }

  /**
   * Takes the next bytes. Frames that are too short for their type are left out, as official clients
   * do.
   *
   * @throws DerpError `too-large`, `bad-frame`, `bad-box`, `bad-info`
   */
  push(chunk: Uint8Array, deliver: (message: ServerMessage) => void): void {
    this.#reader.push(chunk, (buffer, start, end) => {
      const payload = buffer.subarray(start + FRAME_HEADER_LENGTH, end)
      const message = this.#parse(buffer[start] ?? 0, payload)
      if (message !== undefined) deliver(message)
    })
  }

  /** Says that the stream is over. @throws DerpError `truncated` (official clients: a clean end) */
  end(): void {
    this.#reader.end()
  }

  #parse(type: number, payload: Uint8Array): ServerMessage | undefined {
    switch (type) {
      case FrameType.ServerInfo: {
        const { bytesPerSecond, burst } = openServerInfo(this.#sharedKey, payload)
        return { type: 'server-info', bytesPerSecond, burst }
      }
      case FrameType.KeepAlive:
        return { type: 'keepalive' }
      case FrameType.Health:
        return { type: 'health', problem: lenientUtf8(payload) }
      case FrameType.RecvPacket:
        if (payload.length < KEY_LENGTH) return undefined
        return { type: 'packet', source: keyOf(payload), data: payload.subarray(KEY_LENGTH) }
      case FrameType.PeerGone:
        if (payload.length < KEY_LENGTH) return undefined
        return {
          type: 'peer-gone',
          peer: keyOf(payload),
          // Old relays gave no reason, for there was only one.
          reason: payload[KEY_LENGTH] ?? PeerGoneReason.Disconnected,
        }
      case FrameType.PeerPresent:
        return payload.length < KEY_LENGTH ? undefined : parsePresent(payload)
      case FrameType.Ping:
      case FrameType.Pong: {
        if (payload.length < PING_LENGTH) return undefined
        const data = payload.subarray(0, PING_LENGTH)
        return { type: type === FrameType.Ping ? 'ping' : 'pong', data }
      }
      case FrameType.Restarting: {
        if (payload.length < 8) return undefined
        const reconnectInMs = readUint32(payload, 0)
        return { type: 'restarting', reconnectInMs, tryForMs: readUint32(payload, 4) }
      }
      default:
        return undefined
    }
  }
}

const KNOWN: ReadonlySet<number> = new Set([
  FrameType.ServerInfo,
  FrameType.KeepAlive,
  FrameType.Health,
  FrameType.RecvPacket,
  FrameType.PeerGone,
  FrameType.PeerPresent,
  FrameType.Ping,
  FrameType.Pong,
  FrameType.Restarting,
])

/** Bytes of an address and a port behind the key. */
const ADDRESS_LENGTH = 16

function parsePresent(payload: Uint8Array): ServerMessage {
  const peer = keyOf(payload)
  const at = KEY_LENGTH + ADDRESS_LENGTH
  if (payload.length < at + 2) {
    return { type: 'peer-present', peer, address: null, port: 0, flags: 0 }
  }
  return {
    type: 'peer-present',
    peer,
    address: payload.subarray(KEY_LENGTH, at),
    port: ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0),
    flags: payload[at + 2] ?? 0,
  }
}

function keyOf(payload: Uint8Array): NodePublic {
  return nodePublicFromBytes(payload.subarray(0, KEY_LENGTH))
}

function checkPacket(length: number): void {
  if (length > MAX_PACKET) {
    const what = `${length} bytes, limit ${MAX_PACKET}`
    throw new DerpError('too-large', `Cannot send packet: ${what}`)
  }
}

/** Text for people: bytes that are no UTF-8 become replacement characters. */
function lenientUtf8(bytes: Uint8Array): string {
  const whole = strictUtf8(bytes)
  if (whole !== undefined) return whole
  let shown = ''
  for (let at = 0; at < bytes.length;) {
    const lengths = [1, 2, 3, 4].filter((length) => at + length <= bytes.length)
    const length = lengths.find((each) => strictUtf8(bytes.subarray(at, at + each)) !== undefined)
    shown += length === undefined ? '\ufffd' : strictUtf8(bytes.subarray(at, at + length))
    at += length ?? 1
  }
  return shown
}

function strictUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decodeUtf8(bytes)
  } catch {
    return undefined
  }
}
