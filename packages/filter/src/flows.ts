// SPDX-License-Identifier: Apache-2.0

/**
 * Flows that this node began: what comes back on them needs no rule. UDP and SCTP only; TCP tells
 * by its flags.
 *
 * @module
 */

import { keyOf } from './address-set.ts'
import type { PacketHead } from './packet-head.ts'

/** Remembered flows; the one used longest ago is forgotten first. The same as official clients. */
export const MAX_FLOWS = 512

/** See the module comment. */
export class Flows {
  readonly #known = new Set<string>()
  /** The flow used last, when it was a packet out: most packets are of the same one. */
  #last: PacketHead | null = null

  /** Notes a packet that goes out. */
  note(head: PacketHead): void {
    if (this.#last !== null && isSameFlow(this.#last, head)) return
    const key = flowKey(
      head.protocol,
      head.destination,
      head.destinationPort,
      head.source,
      head.sourcePort,
    )
    this.#touch(key)
    this.#last = copyOf(head)
    if (this.#known.size > MAX_FLOWS) {
      for (const oldest of this.#known) {
        this.#known.delete(oldest)
        break
      }
    }
  }

  /** True if a packet that comes in belongs to a flow; using it keeps it. */
  knows(head: PacketHead): boolean {
    const key = flowKey(
      head.protocol,
      head.source,
      head.sourcePort,
      head.destination,
      head.destinationPort,
    )
    if (!this.#known.has(key)) return false
    this.#touch(key)
    this.#last = null
    return true
  }

  #touch(key: string): void {
    this.#known.delete(key)
    this.#known.add(key)
  }
}

/** The addresses are views into a packet that its owner may use again. */
function copyOf(head: PacketHead): PacketHead {
  return { ...head, source: copyBytes(head.source), destination: copyBytes(head.destination) }
}

function copyBytes(bytes: Uint8Array | null): Uint8Array | null {
  return bytes && Uint8Array.from(bytes)
}

function isSameFlow(a: PacketHead, b: PacketHead): boolean {
  return (
    a.protocol === b.protocol &&
    a.sourcePort === b.sourcePort &&
    a.destinationPort === b.destinationPort &&
    isSame(a.source, b.source) &&
    isSame(a.destination, b.destination)
  )
}

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null || a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function flowKey(
  protocol: number,
  from: Uint8Array | null,
  fromPort: number,
  to: Uint8Array | null,
  toPort: number,
): string {
  return `${protocol} ${fromPort} ${toPort} ${from && keyOf(from)}${to && keyOf(to)}`
}
