// SPDX-License-Identifier: Apache-2.0

/**
 * What waits for one client: bounded, whatever anybody sends.
 *
 * Packets go out at once while the transport takes them. When it does not, they wait in two queues,
 * one for discovery packets and one for all others, so that a flood of data cannot keep two nodes
 * from finding a direct path. A full queue loses its oldest packet: in a network that is too slow,
 * the newest is worth most. Notices are merged, so there is at most one of each kind for each peer.
 *
 * @module
 */

import { copyOf } from './copy.ts'
import { looksLikeDisco } from './disco-mark.ts'
import { encodeFrame, FrameType } from './frames.ts'
import {
  FRAME_HEADER_LENGTH,
  KEY_LENGTH,
  MAX_BACKLOG,
  MAX_NOTICES,
  QUEUE_LENGTH,
} from './limits.ts'

/** Carries bytes to one client. */
export interface RelayTransport {
  /** Bytes that were written and that the network has not taken yet. */
  readonly backlog: number
  /** Writes all of these, in order. They are not changed afterwards. */
  write(parts: readonly Uint8Array[]): void
  close(): void
}

/** What is counted of packets that were lost. */
export interface LossCounters {
  droppedQueueFull: number
  droppedGone: number
}

/** Where the payload of a packet begins: behind the sender's key, or behind two keys on a link. */
const PACKET_AT = FRAME_HEADER_LENGTH + KEY_LENGTH
export const FORWARDED_AT: number = FRAME_HEADER_LENGTH + 2 * KEY_LENGTH

/** The outbox of one connection. */
export class Outbox {
  readonly #transport: RelayTransport
  readonly #losses: LossCounters
  readonly #packetAt: number
  readonly #notices = new Map<string, Uint8Array>()
  readonly #disco: Uint8Array[] = []
  readonly #other: Uint8Array[] = []
  /** Bytes for the next write. */
  #parts: Uint8Array[] = []
  /** The last part, while it may still grow: `#runBuffer` from `#runStart` to `#runEnd`. */
  #runBuffer: Uint8Array | undefined
  #runStart = 0
  #runEnd = 0
  /** What may still be added to the next write; measured when it begins. */
  #room = -1
  /** The network has not taken earlier bytes yet, so the next ones may stay for long. */
  #isSlow = false
  #dropped = 0

  constructor(transport: RelayTransport, losses: LossCounters, packetAt: number = PACKET_AT) {
    this.#transport = transport
    this.#losses = losses
    this.#packetAt = packetAt
  }

  /** Packets that were lost because this client did not read. */
  get dropped(): number {
    return this.#dropped
  }

  /** Packets and notices that wait. */
  get waiting(): number {
    return this.#notices.size + this.#disco.length + this.#other.length
  }

  /** Sends a packet frame that lies in a buffer which nobody changes any more. */
  packet(buffer: Uint8Array, start: number, end: number): void {
    if (this.#room < 0) this.#measure()
    if (this.#room > 0 && this.waiting === 0) {
      this.#append(buffer, start, end)
      return
    }
    const isDisco = looksLikeDisco(buffer, start + this.#packetAt, end)
    const queue = isDisco ? this.#disco : this.#other
    if (queue.length >= QUEUE_LENGTH) {
      queue.shift()
      this.#dropped++
      this.#losses.droppedQueueFull++
    }
    // A copy: the buffer may be much larger than the packet, and would be kept alive by it.
    queue.push(copyOf(buffer, start, end))
  }

  /** Sends a notice. One that waits under the same name is replaced: it is out of date. */
  notice(name: string, frame: Uint8Array): void {
    if (this.#room < 0) this.#measure()
    if (this.#room > 0 && this.waiting === 0) this.#append(frame, 0, frame.length)
    else this.#notices.set(name, frame)
    // Somebody who is this far behind has to ask again; nothing of it may be left out.
    if (this.#notices.size > MAX_NOTICES) this.#transport.close()
  }

  /** Keeps the connection alive, unless something is on its way that does so. */
  keepAlive(): void {
    if (this.waiting > 0 || this.#transport.backlog > 0) return
    this.notice('keep-alive', encodeFrame(FrameType.KeepAlive))
  }

  /** Moves what waits to the next write, as far as the transport takes it, and writes. */
  flush(): void {
    if (this.#room < 0) this.#measure()
    for (const [name, frame] of this.#notices) {
      if (this.#room <= 0) break
      this.#notices.delete(name)
      this.#append(frame, 0, frame.length)
    }
    for (const queue of [this.#disco, this.#other]) {
      let taken = 0
      for (const frame of queue) {
        if (this.#room <= 0) break
        this.#append(frame, 0, frame.length)
        taken++
      }
      queue.splice(0, taken)
    }
    this.#endRun()
    this.#room = -1
    if (this.#parts.length === 0) return
    const parts = this.#parts
    this.#parts = []
    this.#transport.write(parts)
  }

  /** Forgets everything. */
  clear(): void {
    this.#losses.droppedGone += this.#disco.length + this.#other.length
    this.#notices.clear()
    this.#disco.length = 0
    this.#other.length = 0
    this.#parts = []
    this.#runBuffer = undefined
  }

  #measure(): void {
    const { backlog } = this.#transport
    this.#isSlow = backlog > 0
    this.#room = Math.max(0, MAX_BACKLOG - backlog)
  }

  /** Adds bytes to the next write. Frames that lie behind each other become one part. */
  #append(buffer: Uint8Array, start: number, end: number): void {
    if (this.#runBuffer === buffer && this.#runEnd === start) {
      this.#runEnd = end
    } else {
      this.#endRun()
      this.#runBuffer = buffer
      this.#runStart = start
      this.#runEnd = end
    }
    this.#room = Math.max(0, this.#room - (end - start))
  }

  #endRun(): void {
    if (this.#runBuffer === undefined) return
    // What stays must not keep a buffer alive of which it is a small part.
    const copy = this.#isSlow && 2 * (this.#runEnd - this.#runStart) < this.#runBuffer.length
    this.#parts.push(
      copy
        ? copyOf(this.#runBuffer, this.#runStart, this.#runEnd)
        : this.#runBuffer.subarray(this.#runStart, this.#runEnd),
    )
    this.#runBuffer = undefined
  }
}
