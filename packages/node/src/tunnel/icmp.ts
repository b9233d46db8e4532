// SPDX-License-Identifier: Apache-2.0

/**
 * ICMP echo: RFC 792 for IPv4, RFC 4443 section 4 for IPv6. No other message is made or understood.
 *
 * @module
 */

import {
  encodeIpPacket,
  internetChecksum,
  type IpPacket,
  IpProtocol,
  ipv6PseudoHeader,
  readUint16,
  writeUint16,
} from './packet.ts'

const HEADER = 8
const TYPES = {
  4: { request: 8, reply: 0 },
  6: { request: 128, reply: 129 },
} as const

/** An echo request or reply. */
export interface IcmpEcho {
  readonly kind: 'request' | 'reply'
  readonly id: number
  readonly sequence: number
  readonly data: Uint8Array
}

/** Returns the echo message in a packet, or null when it is something else or damaged. */
export function parseIcmpEcho(packet: IpPacket): IcmpEcho | null {
  const { version, protocol, source, destination, payload } = packet
  if (protocol !== (version === 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6)) return null
  if (payload.length < HEADER || payload[1] !== 0) return null
  const pseudo =
    version === 4
      ? new Uint8Array(0)
      : ipv6PseudoHeader(source, destination, protocol, payload.length)
  if (internetChecksum(pseudo, payload) !== 0) return null
  const { request, reply } = TYPES[version]
  if (payload[0] !== request && payload[0] !== reply) return null
  return {
    kind: payload[0] === request ? 'request' : 'reply',
    id: readUint16(payload, 4),
    sequence: readUint16(payload, 6),
    data: payload.subarray(HEADER),
  }
}

/** Returns a whole packet with an echo message; the family is that of the addresses. */
export function encodeIcmpEcho(
  source: Uint8Array,
  destination: Uint8Array,
  echo: IcmpEcho,
): Uint8Array {
  const version = source.length === 4 ? 4 : 6
  const protocol = version === 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6
  const payload = new Uint8Array(HEADER + echo.data.length)
  payload[0] = TYPES[version][echo.kind]
  writeUint16(payload, 4, echo.id)
  writeUint16(payload, 6, echo.sequence)
  payload.set(echo.data, HEADER)
  const pseudo =
    version === 4
      ? new Uint8Array(0)
      : ipv6PseudoHeader(source, destination, protocol, payload.length)
  writeUint16(payload, 2, internetChecksum(pseudo, payload))
  return encodeIpPacket({ protocol, source, destination, payload })
}
