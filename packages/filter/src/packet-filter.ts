// SPDX-License-Identifier: Apache-2.0

/**
 * The packet filter of a node: which decrypted packets may come in, and which go out.
 *
 * The server writes the rules, so they protect from peers, not from the server. The source of a packet
 * has been compared with what its peer may send from before it comes here.
 *
 * @module
 */

import { formatAddress, prefixContains, type IpPrefix } from '@signet/protocol'
import { AddressSet } from './address-set.ts'
import { Flows } from './flows.ts'
import type { Match } from './matches.ts'
import { IpProtocol, readPacketHead, type PacketHead } from './packet-head.ts'
import { RecentHead } from './recent-head.ts'

/** The shortest packet that could be IP. */
const MIN_PACKET = 20
const ALL_PORTS = 0xffff
/** A name server at a link-local address, as clouds have it. */
const METADATA_ADDRESS = '169.254.169.254'

/** What a filter is made from. */
export interface PacketFilterOptions {
  readonly matches: readonly Match[]
  /** Addresses of this node, and networks that it routes for others. */
  readonly local: readonly IpPrefix[]
  /** Whether the peer with this address has a capability that rules name as source. */
  readonly hasCap?: (source: Uint8Array, capability: string) => boolean
  /** Flows begun under the filter before, to go on under this one. */
  readonly flows?: Flows
}

/** See the module comment. */
export interface PacketFilter {
  readonly flows: Flows
  /** Whether a packet from a peer may come in. */
  admits(packet: Uint8Array): boolean
  /** Whether a packet may go to a peer; what comes back on its flow will be admitted. */
  sends(packet: Uint8Array): boolean
}

/** Makes a filter. With no matches it lets nothing in but answers. */
export function createPacketFilter(options: PacketFilterOptions): PacketFilter {
  const { matches, hasCap = () => false, flows = new Flows() } = options
  const local = new AddressSet(options.local)
  const families = { 4: ofFamily(matches, 4), 6: ofFamily(matches, 16) }

  const isSource = (match: Match, source: Uint8Array): boolean =>
    match.isSource.has(source) || match.sourceCaps.some((cap) => hasCap(source, cap))

  const isLocal = ({ destination }: PacketHead): boolean =>
    destination !== null && local.has(destination)

  /** Any open port of an address opens it for ICMP, and a capability opens all of ours. */
  const admitsIcmp = (rules: readonly Match[], source: Uint8Array, to: Uint8Array): boolean =>
    rules.some(
      (match) =>
        (match.isSource.has(source) &&
          match.destinations.some(({ network }) => prefixContains(network, to))) ||
        match.sourceCaps.some((cap) => hasCap(source, cap)),
    )

  const admitsPort = (
    rules: readonly Match[],
    head: PacketHead,
    source: Uint8Array,
    to: Uint8Array,
  ): boolean =>
    rules.some(
      (match) =>
        match.protocols.includes(head.protocol) &&
        isSource(match, source) &&
        match.destinations.some(
          ({ network, first, last }) =>
            head.destinationPort >= first &&
            head.destinationPort <= last &&
            prefixContains(network, to),
        ),
    )

  /** What has no ports needs a rule that is about all of them. */
  const admitsOther = (
    rules: readonly Match[],
    protocol: number,
    source: Uint8Array,
    to: Uint8Array,
  ): boolean =>
    rules.some(
      (match) =>
        match.protocols.includes(protocol) &&
        match.isSource.has(source) &&
        match.destinations.some(
          ({ network, first, last }) =>
            first === 0 && last === ALL_PORTS && prefixContains(network, to),
        ),
    )

  const admitsHead = (head: PacketHead): boolean => {
    const { version, protocol, source, destination } = head
    if (version === 0 || source === null || destination === null) return false
    // A peer could send what is for networks that we never offered.
    if (!isLocal(head)) return false
    const rules = families[version]
    switch (protocol) {
      case version === 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6:
        return head.isEchoReply || head.isIcmpError || admitsIcmp(rules, source, destination)
      case IpProtocol.Tcp:
        // Without its first segment there is no connection to continue.
        return !head.isTcpSyn || admitsPort(rules, head, source, destination)
      case IpProtocol.Udp:
      case IpProtocol.Sctp:
        // Or it continues a flow, which is no matter of rules.
        return admitsPort(rules, head, source, destination)
      case IpProtocol.Tsmp:
        return true
      default:
        return admitsOther(rules, protocol, source, destination)
    }
  }

  /** What rules admitted last stays admitted; what came in on a flow may be forgotten. */
  const lastIn = new RecentHead()
  const lastOut = new RecentHead()

  return {
    flows,
    admits(packet) {
      if (lastIn.isSame(packet)) return true
      const head = readPacketHead(packet)
      const verdict = beforeRules(packet, head)
      if (verdict !== null) return verdict
      if (!admitsHead(head)) return flows.knows(head) && isLocal(head)
      lastIn.remember(packet)
      return true
    },
    sends(packet) {
      if (lastOut.isSame(packet)) return true
      const head = readPacketHead(packet)
      const verdict = beforeRules(packet, head)
      if (verdict !== null) return verdict
      if (head.protocol === IpProtocol.Udp || head.protocol === IpProtocol.Sctp) flows.note(head)
      lastOut.remember(packet)
      return true
    },
  }
}

/** What needs no rule: true lets it pass, false does not, null leaves it to the rules. */
function beforeRules(packet: Uint8Array, head: PacketHead): boolean | null {
  // A keep-alive.
  if (packet.length === 0) return true
  if (packet.length < MIN_PACKET || head.protocol === IpProtocol.Unknown) return false
  const destination = head.destination === null ? null : unmapped(head.destination)
  if (destination !== null) {
    if (isMulticast(destination)) return false
    if (isLinkLocal(destination) && !isMetadataAddress(head.destination)) return false
  }
  // It is worth nothing without its first fragment, which had to pass.
  return head.protocol === IpProtocol.Fragment ? true : null
}

function ofFamily(matches: readonly Match[], length: number): readonly Match[] {
  return matches.flatMap((match) => {
    const sources = match.sources.filter(({ bytes }) => bytes.length === length)
    const destinations = match.destinations.filter(({ network }) => network.bytes.length === length)
    const isEmpty = destinations.length === 0 || sources.length + match.sourceCaps.length === 0
    return isEmpty ? [] : [{ ...match, sources, isSource: new AddressSet(sources), destinations }]
  })
}

/** IPv4 inside IPv6 counts as what it stands for. */
function unmapped(address: Uint8Array): Uint8Array {
  const isMapped =
    address.length === 16 &&
    address.subarray(0, 10).every((byte) => byte === 0) &&
    address[10] === 0xff &&
    address[11] === 0xff
  return isMapped ? address.subarray(12) : address
}

function isMulticast([first = 0, ...rest]: Uint8Array): boolean {
  return rest.length === 3 ? first >>> 4 === 0xe : first === 0xff
}

function isLinkLocal(address: Uint8Array): boolean {
  const [first = 0, second = 0] = address
  return address.length === 4
    ? first === 169 && second === 254
    : first === 0xfe && (second & 0xc0) === 0x80
}

function isMetadataAddress(address: Uint8Array | null): boolean {
  return address?.length === 4 && formatAddress({ bytes: address, zone: '' }) === METADATA_ADDRESS
}
