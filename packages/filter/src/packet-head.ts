// SPDX-License-Identifier: Apache-2.0

/**
 * The head of an IP packet: as much as rules ask for. RFC 791, RFC 8200, RFC 9293 (TCP flags).
 *
 * A first fragment that is too short for the header of its transport, and a later one that could
 * still reach into that header, are unknown, so that ports cannot be slipped past (RFC 1858). Of IPv6
 * extension headers only a fragment header right behind the first is read.
 *
 * @module
 */

/** Protocol numbers that are treated specially. */
export const IpProtocol = {
  /** Not readable, or not to be trusted. */
  Unknown: 0,
  Icmp: 1,
  Igmp: 2,
  Tcp: 6,
  Udp: 17,
  FragmentHeader: 44,
  Icmpv6: 58,
  Tsmp: 99,
  Sctp: 132,
  /** A later fragment, which has no transport header. */
  Fragment: 255,
} as const

/** What was read. */
export interface PacketHead {
  /** 0 if it is not IP at all. */
  readonly version: 0 | 4 | 6
  readonly protocol: number
  /** Addresses of 4 or 16 bytes, views into the packet; null where the packet is cut off. */
  readonly source: Uint8Array | null
  readonly destination: Uint8Array | null
  readonly sourcePort: number
  readonly destinationPort: number
  /** The first segment of a TCP connection. */
  readonly isTcpSyn: boolean
  /** An answer to an ICMP echo request. */
  readonly isEchoReply: boolean
  /** ICMP that reports trouble with a packet sent before. */
  readonly isIcmpError: boolean
}

const IPV4_HEADER = 20
const IPV6_HEADER = 40
const FRAGMENT_HEADER = 8
const MORE_FRAGMENTS = 0x2000
/** Blocks of 8 bytes: the largest IPv4 header and a TCP header lie before. */
const MIN_FRAGMENT_OFFSET = 10
const SYN = 0x02
const ACK = 0x10
/** Bytes of a transport header that have to be there. */
const MIN_TRANSPORT: Readonly<Record<number, number>> = {
  [IpProtocol.Tcp]: 20,
  [IpProtocol.Udp]: 8,
  [IpProtocol.Sctp]: 12,
  [IpProtocol.Tsmp]: 7,
}
const MIN_ICMP = 4
const MIN_IGMP = 8
/** ICMP messages are looked at only with their whole header. */
const ICMP_HEADER = 8
const ECHO_REPLY = { 4: 0, 6: 129 } as const
/** Unreachable, time exceeded, parameter problem; for IPv6 also packet too big. */
const ICMP_ERRORS = { 4: new Set([3, 11, 12]), 6: new Set([1, 2, 3, 4]) } as const

const NOTHING = {
  source: null,
  destination: null,
  sourcePort: 0,
  destinationPort: 0,
  isTcpSyn: false,
  isEchoReply: false,
  isIcmpError: false,
} as const
const NO_IP: PacketHead = { ...NOTHING, version: 0, protocol: IpProtocol.Unknown }

/** Reads the head of a packet. What cannot be read has protocol 0. */
export function readPacketHead(packet: Uint8Array): PacketHead {
  switch ((packet[0] ?? 0) >>> 4) {
    case 4:
      return packet.length < IPV4_HEADER ? NO_IP : readIpv4(packet)
    case 6:
      return packet.length < IPV6_HEADER ? NO_IP : readIpv6(packet)
    default:
      return NO_IP
  }
}

function readIpv4(packet: Uint8Array): PacketHead {
  const length = uint16(packet, 2)
  if (packet.length < length) return { ...NOTHING, version: 4, protocol: IpProtocol.Unknown }
  const protocol = packet[9] ?? 0
  const head = plainHead(4, protocol, packet.subarray(12, 16), packet.subarray(16, 20))
  const at = ((packet[0] ?? 0) & 0x0f) * 4
  if (at < IPV4_HEADER || at > length) return unknown(head)
  const fragment = uint16(packet, 6)
  const offset = fragment & 0x1fff
  if (offset > 0) return laterFragment(head, offset)
  if (protocol === IpProtocol.Tsmp && (fragment & MORE_FRAGMENTS) !== 0) return unknown(head)
  return readTransport(head, packet, at)
}

function readIpv6(packet: Uint8Array): PacketHead {
  if (packet.length < uint16(packet, 4) + IPV6_HEADER) {
    return { ...NOTHING, version: 6, protocol: IpProtocol.Unknown }
  }
  const head = plainHead(6, packet[6] ?? 0, packet.subarray(8, 24), packet.subarray(24, 40))
  if (head.protocol !== IpProtocol.FragmentHeader) return readTransport(head, packet, IPV6_HEADER)
  if (packet.length < IPV6_HEADER + FRAGMENT_HEADER) return unknown(head)
  const offset = uint16(packet, IPV6_HEADER + 2) >>> 3
  if (offset > 0) return laterFragment(head, offset)
  head.protocol = packet[IPV6_HEADER] ?? 0
  return readTransport(head, packet, IPV6_HEADER + FRAGMENT_HEADER)
}

/** Heads are made for each packet: one object, filled in place. */
type Filling = { -readonly [K in keyof PacketHead]: PacketHead[K] }

function plainHead(
  version: 4 | 6,
  protocol: number,
  source: Uint8Array,
  destination: Uint8Array,
): Filling {
  return {
    version,
    protocol,
    source,
    destination,
    sourcePort: 0,
    destinationPort: 0,
    isTcpSyn: false,
    isEchoReply: false,
    isIcmpError: false,
  }
}

function readTransport(head: Filling, packet: Uint8Array, at: number): PacketHead {
  const { version, protocol } = head
  const size = packet.length - at
  // The number of later fragments is ours; nobody else has a use for it.
  if (size < minTransport(version, protocol) || protocol === IpProtocol.Fragment) {
    return unknown(head)
  }
  switch (protocol) {
    case IpProtocol.Tcp:
      head.isTcpSyn = ((packet[at + 13] ?? 0) & (SYN | ACK)) === SYN
      readPorts(head, packet, at)
      break
    case IpProtocol.Udp:
    case IpProtocol.Sctp:
      readPorts(head, packet, at)
      break
    default:
      if (isOwnIcmp(version, protocol) && size >= ICMP_HEADER) readIcmp(head, version, packet, at)
  }
  return head
}

function minTransport(version: number, protocol: number): number {
  if (isOwnIcmp(version, protocol)) return MIN_ICMP
  if (version === 4 && protocol === IpProtocol.Igmp) return MIN_IGMP
  return MIN_TRANSPORT[protocol] ?? 0
}

function isOwnIcmp(version: number, protocol: number): version is 4 | 6 {
  return protocol === (version === 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6)
}

function readIcmp(head: Filling, version: 4 | 6, packet: Uint8Array, at: number): void {
  const type = packet[at] ?? 0
  head.isEchoReply = type === ECHO_REPLY[version] && packet[at + 1] === 0
  head.isIcmpError = ICMP_ERRORS[version].has(type)
}

function readPorts(head: Filling, packet: Uint8Array, at: number): void {
  head.sourcePort = uint16(packet, at)
  head.destinationPort = uint16(packet, at + 2)
}

function laterFragment(head: Filling, offset: number): PacketHead {
  head.protocol = offset < MIN_FRAGMENT_OFFSET ? IpProtocol.Unknown : IpProtocol.Fragment
  return head
}

function unknown(head: Filling): PacketHead {
  head.protocol = IpProtocol.Unknown
  return head
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}
