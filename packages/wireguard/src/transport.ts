// SPDX-License-Identifier: Apache-2.0

/**
 * One pair of transport keys: sealing, opening, counters. WireGuard paper, section 5.4.6.
 *
 * The header is not authenticated; the receiver's index only finds the keys, and the counter is
 * proven by being the nonce.
 *
 * @module
 */

import { type Aead, createAead } from '@signet/crypto'
import type { TransportKeys } from './handshake.ts'
import {
  PADDING_MULTIPLE,
  REJECT_AFTER_MS,
  REKEY_AFTER_MESSAGES_HIGH,
  REKEY_AFTER_MS,
  REKEY_ON_RECEIVE_MS,
} from './limits.ts'
import { MessageType, readUint32, TRANSPORT_HEADER_SIZE, writeUint32 } from './message.ts'
import { isCounterExhausted, ReplayWindow } from './replay.ts'
import { WireguardError } from './wireguard-error.ts'

const NO_DATA = new Uint8Array(0)

/**
 * Returns how many zeros follow a packet of this size: up to a multiple of 16, never past the MTU.
 * Packets above the MTU are counted from the last multiple of it; an MTU of 0 means none.
 */
export function paddingFor(size: number, mtu: number): number {
  const last = mtu > 0 && size > mtu ? size % mtu : size
  const rounded = Math.ceil(last / PADDING_MULTIPLE) * PADDING_MULTIPLE
  return (mtu > 0 ? Math.min(rounded, mtu) : rounded) - last
}

/** Where packets are padded, one after another: the cipher copies what it is given. */
let scratch = new Uint8Array(2048)

function padded(packet: Uint8Array, padding: number): Uint8Array {
  if (padding === 0) return packet
  const size = packet.length + padding
  if (size > scratch.length) scratch = new Uint8Array(size)
  scratch.set(packet)
  scratch.fill(0, packet.length, size)
  return scratch.subarray(0, size)
}

/** What a session is made from. */
export interface SessionInput {
  readonly keys: TransportKeys
  readonly localIndex: number
  readonly isInitiator: boolean
  readonly createdAt: number
  /** First counter to send with: high and low word. Zero but in tests of the limits. */
  readonly firstCounter?: readonly [high: number, low: number]
}

/** One key pair and its counters. */
export class Session {
  readonly localIndex: number
  readonly remoteIndex: number
  readonly isInitiator: boolean
  readonly createdAt: number
  readonly #send: Aead
  readonly #receive: Aead
  readonly #replay = new ReplayWindow()
  readonly #nonce = new Uint8Array(12)
  #high = 0
  #low = 0

  /** Takes the keys over: the bytes passed in are overwritten. */
  constructor(input: SessionInput) {
    const { keys } = input
    this.localIndex = input.localIndex
    this.remoteIndex = keys.remoteIndex
    this.isInitiator = input.isInitiator
    this.createdAt = input.createdAt
    this.#send = createAead(keys.send)
    this.#receive = createAead(keys.receive)
    if (input.firstCounter !== undefined) [this.#high, this.#low] = input.firstCounter
    keys.send.fill(0)
    keys.receive.fill(0)
  }

  /** Whether anything may still be sealed or opened at this moment. */
  isUsable(now: number): boolean {
    return now - this.createdAt < REJECT_AFTER_MS
  }

  /** Whether something may be sealed: usable, and a counter is left. */
  canSeal(now: number): boolean {
    return this.isUsable(now) && !isCounterExhausted(this.#high, this.#low)
  }

  /** Whether a new handshake is due after sending with this session. */
  needsRekeyAfterSending(now: number): boolean {
    return (
      this.#high >= REKEY_AFTER_MESSAGES_HIGH ||
      (this.isInitiator && now - this.createdAt >= REKEY_AFTER_MS)
    )
  }

  /** Whether a new handshake is due after receiving with this session. */
  needsRekeyAfterReceiving(now: number): boolean {
    return this.isInitiator && now - this.createdAt >= REKEY_ON_RECEIVE_MS
  }

  /**
   * Returns a transport message with the next counter. The caller checked {@link canSeal}.
   *
   * @throws WireguardError `session-expired` when no counter is left.
   */
  seal(packet: Uint8Array, mtu: number): Uint8Array {
    const high = this.#high
    const low = this.#low
    if (isCounterExhausted(high, low)) {
      throw new WireguardError('session-expired', 'Cannot seal: every counter was used')
    }
    this.#low = (low + 1) >>> 0
    if (this.#low === 0) this.#high = high + 1

    const content = padded(packet, paddingFor(packet.length, mtu))
    writeUint32(this.#nonce, 4, low)
    writeUint32(this.#nonce, 8, high)
    const message = this.#send.seal(this.#nonce, NO_DATA, content, TRANSPORT_HEADER_SIZE)
    message[0] = MessageType.Transport
    writeUint32(message, 4, this.remoteIndex)
    writeUint32(message, 8, low)
    writeUint32(message, 12, high)
    return message
  }

  /**
   * Returns the padded content of a transport message, each only once.
   *
   * @throws WireguardError `not-decryptable`, `replayed-counter`.
   */
  open(message: Uint8Array): Uint8Array {
    const low = readUint32(message, 8)
    const high = readUint32(message, 12)
    writeUint32(this.#nonce, 4, low)
    writeUint32(this.#nonce, 8, high)
    const content = this.#receive.open(
      this.#nonce,
      NO_DATA,
      message.subarray(TRANSPORT_HEADER_SIZE),
    )
    if (content === null) {
      throw new WireguardError('not-decryptable', 'Cannot open packet: authentication failed')
    }
    if (!this.#replay.accept(high, low)) {
      throw new WireguardError('replayed-counter', 'Cannot open packet: counter seen or too old')
    }
    return content
  }
}
