// SPDX-License-Identifier: Apache-2.0

/**
 * IP packets: just enough to read what arrives for this node and to build what it sends itself.
 * RFC 791 (IPv4), RFC 8200 (IPv6), RFC 1071 (checksum). Fragments and IPv6 extension headers are
 * left to a real interface: here such a packet has no payload that we understand.
 *
 * @module
 */

/** Protocol numbers (IPv6: next header). */
export const IpProtocol = {
  Icmp: 1,
  Tcp: 6,
  Udp: 17,
  Icmpv6: 58,
  Tsmp: 99,
} as const

const IPV4_HEADER = 20
const IPV6_HEADER = 40
const HOP_LIMIT = 64
const DONT_FRAGMENT = 0x4000

/** A packet taken apart; the arrays are views into it. */
export interface IpPacket {
  readonly version: 4 | 6
  readonly protocol: number
  /** 4 or 16 bytes. */
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly payload: Uint8Array
}

/** What a packet is built from; both addresses of one family. */
export interface IpPacketInput {
  readonly protocol: number
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly payload: Uint8Array
}

/** Returns the protocol number of a packet without looking at more, or -1 when it is too short. */
export function protocolOf(packet: Uint8Array): number {
  switch ((packet[0] ?? 0) >>> 4) {
    case 4:
      return packet[9] ?? -1
    case 6:
      return packet[6] ?? -1
    default:
      return -1
  }
}

/**
 * Returns the parts of a packet, or null when it is not whole, not consistent, or a fragment. Bytes
 * behind the length in the header are not part of the payload.
 */
export function parseIpPacket(packet: Uint8Array): IpPacket | null {
  switch ((packet[0] ?? 0) >>> 4) {
    case 4:
      return parseIpv4(packet)
    case 6:
      return parseIpv6(packet)
    default:
      return null
  }
}

/** Returns a packet around a payload. */
export function encodeIpPacket(input: IpPacketInput): Uint8Array {
  return input.source.length === 4 ? encodeIpv4(input) : encodeIpv6(input)
}

/**
 * Returns the internet checksum of the parts one after another, each of even length but the last:
 * the complement of the ones' complement sum. Over data that includes a right checksum it is 0.
 */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000)
  return ~sum & 0xffff
}

/** Returns what IPv6 adds to the checksum of an upper protocol (RFC 8200, section 8.1). */
export function ipv6PseudoHeader(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  length: number,
): Uint8Array {
  const header = new Uint8Array(IPV6_HEADER)
  header.set(source, 0)
  header.set(destination, 16)
  writeUint16(header, 34, length)
  header[39] = protocol
  return header
}

/** Reads 16 bits, big-endian; bytes past the end count as zero. */
export function readUint16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0)
}

/** Writes 16 bits, big-endian. */
export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8
  bytes[offset + 1] = value
}

function parseIpv4(packet: Uint8Array): IpPacket | null {
  const headerLength = ((packet[0] ?? 0) & 0xf) * 4
  const total = readUint16(packet, 2)
  if (headerLength < IPV4_HEADER || total < headerLength || total > packet.length) return null
  if (internetChecksum(packet.subarray(0, headerLength)) !== 0) return null
  // More fragments to come, or not the first one.
  if ((readUint16(packet, 6) & 0x3fff) !== 0) return null
  return {
    version: 4,
    protocol: packet[9] ?? 0,
    source: packet.subarray(12, 16),
    destination: packet.subarray(16, 20),
    payload: packet.subarray(headerLength, total),
  }
}

function parseIpv6(packet: Uint8Array): IpPacket | null {
  const end = IPV6_HEADER + readUint16(packet, 4)
  if (end > packet.length) return null
  return {
    version: 6,
    protocol: packet[6] ?? 0,
    source: packet.subarray(8, 24),
    destination: packet.subarray(24, 40),
    payload: packet.subarray(IPV6_HEADER, end),
  }
}

function encodeIpv4({ protocol, source, destination, payload }: IpPacketInput): Uint8Array {
  const packet = new Uint8Array(IPV4_HEADER + payload.length)
  packet[0] = 0x45
  writeUint16(packet, 2, packet.length)
  writeUint16(packet, 6, DONT_FRAGMENT)
  packet[8] = HOP_LIMIT
  packet[9] = protocol
  packet.set(source, 12)
  packet.set(destination, 16)
  writeUint16(packet, 10, internetChecksum(packet.subarray(0, IPV4_HEADER)))
  packet.set(payload, IPV4_HEADER)
  return packet
}

function encodeIpv6({ protocol, source, destination, payload }: IpPacketInput): Uint8Array {
  const packet = new Uint8Array(IPV6_HEADER + payload.length)
  packet[0] = 0x60
  writeUint16(packet, 4, payload.length)
  packet[6] = protocol
  packet[7] = HOP_LIMIT
  packet.set(source, 8)
  packet.set(destination, 24)
  packet.set(payload, IPV6_HEADER)
  return packet
}
