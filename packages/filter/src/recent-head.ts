// SPDX-License-Identifier: Apache-2.0

/**
 * The head of one packet, to recognise the next packet of the same flow: most packets follow one of their own.
 *
 * Compared is everything of a TCP or UDP packet that a filter looks at. Two packets that are the same here are
 * the same to every rule; a length that does not fit makes a packet another one.
 *
 * @module
 */

import { IpProtocol } from './packet-head.ts'

const IPV4_HEADER = 20
const IPV6_HEADER = 40
/** Without options; and nothing of a fragment but "do not". */
const IPV4_PLAIN = 0x45
const FRAGMENT_BITS = 0x3f
const UDP_HEADER = 8
const TCP_HEADER = 20
const TCP_FLAGS = 13
const PORTS = 4

/** See the module comment. */
export class RecentHead {
  readonly #head = new Uint8Array(IPV6_HEADER + PORTS)
  #version = 0
  #protocol = 0
  #flags = 0

  /** Remembers a packet; one that is not plain TCP or UDP makes it remember none. */
  remember(packet: Uint8Array): void {
    const protocol = plainProtocol(packet)
    this.#version = protocol === 0 ? 0 : (packet[0] ?? 0) >>> 4
    if (protocol === 0) return
    const header = this.#version === 4 ? IPV4_HEADER : IPV6_HEADER
    this.#protocol = protocol
    this.#flags = protocol === IpProtocol.Tcp ? (packet[header + TCP_FLAGS] ?? 0) : 0
    this.#head.set(packet.subarray(0, header + PORTS))
  }

  /** Whether a packet is the same to a filter as the one that is remembered. */
  isSame(packet: Uint8Array): boolean {
    if (this.#version === 0 || (packet[0] ?? 0) >>> 4 !== this.#version) return false
    const protocol = plainProtocol(packet)
    if (protocol === 0 || protocol !== this.#protocol) return false
    const header = this.#version === 4 ? IPV4_HEADER : IPV6_HEADER
    // Both addresses and both ports.
    for (let at = this.#version === 4 ? 12 : 8; at < header + PORTS; at++) {
      if (packet[at] !== this.#head[at]) return false
    }
    return protocol !== IpProtocol.Tcp || packet[header + TCP_FLAGS] === this.#flags
  }
}

/** TCP or UDP if the packet is one of them, whole and plain; else 0. */
function plainProtocol(packet: Uint8Array): number {
  const first = packet[0] ?? 0
  if (first === IPV4_PLAIN) {
    const length = ((packet[2] ?? 0) << 8) + (packet[3] ?? 0)
    if (length < IPV4_HEADER || length > packet.length) return 0
    if (((packet[6] ?? 0) & FRAGMENT_BITS) !== 0 || packet[7] !== 0) return 0
    return sized(packet[9] ?? 0, packet.length - IPV4_HEADER)
  }
  if (first >>> 4 !== 6) return 0
  if (((packet[4] ?? 0) << 8) + (packet[5] ?? 0) + IPV6_HEADER > packet.length) return 0
  return sized(packet[6] ?? 0, packet.length - IPV6_HEADER)
}

function sized(protocol: number, size: number): number {
  if (protocol === IpProtocol.Tcp) return size >= TCP_HEADER ? protocol : 0
  return protocol === IpProtocol.Udp && size >= UDP_HEADER ? protocol : 0
}
