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

  /** Notes a packet that goes out. */
  note(head: PacketHead): void {
    const key = flowKey(
      head.protocol,
      head.destination,
      head.destinationPort,
      head.source,
      head.sourcePort,
    )
    this.#touch(key)
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
    return true
  }

  #touch(key: string): void {
    this.#known.delete(key)
    this.#known.add(key)
  }
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
