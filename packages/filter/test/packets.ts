// SPDX-License-Identifier: Apache-2.0

/**
 * Packets for tests, built byte by byte so that they may also be wrong.
 *
 * @module
 */

import { parseAddress } from '@signet/protocol'

/** What a packet is built from. */
export interface PacketInput {
  readonly from: string
  readonly to: string
  readonly protocol: number
  readonly payload: Uint8Array
}

/** Returns an IP packet of the family of its addresses. */
export function packet({ from, to, protocol, payload }: PacketInput): Uint8Array {
  const source = parseAddress(from).bytes
  const destination = parseAddress(to).bytes
  const isV4 = source.length === 4
  const header = new Uint8Array(isV4 ? 20 : 40)
  const view = new DataView(header.buffer)
  if (isV4) {
    header.set([0x45])
    view.setUint16(2, header.length + payload.length)
    header.set([64, protocol], 8)
    header.set(source, 12)
    header.set(destination, 16)
  } else {
    header.set([0x60])
    view.setUint16(4, payload.length)
    header.set([protocol, 64], 6)
    header.set(source, 8)
    header.set(destination, 24)
  }
  return Uint8Array.of(...header, ...payload)
}

/** A UDP header and nothing more. */
export function udp(fromPort: number, toPort: number): Uint8Array {
  return Uint8Array.of(fromPort >> 8, fromPort & 255, toPort >> 8, toPort & 255, 0, 8, 0, 0)
}

/** A TCP header with these flags. */
export function tcp(fromPort: number, toPort: number, flags: number): Uint8Array {
  const header = new Uint8Array(20)
  header.set(udp(fromPort, toPort).subarray(0, 4))
  header.set([0x50, flags], 12)
  return header
}
