// SPDX-License-Identifier: Apache-2.0

/**
 * Room for one sealed record, used again for the next when the kernel has taken the one before.
 *
 * A change goes to every node as a message of its own, all of one length. Making a buffer and two views for
 * each costs more than sealing it, and is what the collector of garbage has to do most of the time.
 *
 * @module
 */

import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Duplex } from 'node:stream'
import { HEADER_LENGTH, MAX_RECORD } from '@signet/noise'

const EMPTY = Buffer.alloc(0)

/** Room that is used again and again. */
export class SmallRoom {
  #room: Buffer = Buffer.allocUnsafeSlow(MAX_RECORD)
  #record: Buffer = EMPTY
  #ciphertext: Buffer = EMPTY

  /** The whole record. */
  get record(): Buffer {
    return this.#record
  }

  /** What comes after its header. */
  get ciphertext(): Buffer {
    return this.#ciphertext
  }

  /** Makes room for a record of this length, at most {@link MAX_RECORD}; what was in it is over. */
  fit(length: number): void {
    if (this.#record.length === length) return
    this.#record = this.#room.subarray(0, length)
    this.#ciphertext = this.#room.subarray(HEADER_LENGTH, length)
  }

  /** Leaves the room to whoever still reads what is in it. */
  leave(): void {
    this.#room = Buffer.allocUnsafeSlow(MAX_RECORD)
    this.#record = EMPTY
    this.#ciphertext = EMPTY
  }
}

/**
 * Whether a transport is done with bytes when nothing of them waits to be written any more. A TCP socket
 * has given them to the kernel then. Others may have handed on the very same bytes.
 */
export function isPlainTcp(transport: Duplex): boolean {
  return transport instanceof Socket && !(transport instanceof TLSSocket)
}
