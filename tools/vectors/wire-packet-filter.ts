// SPDX-License-Identifier: Apache-2.0
/** Adapter for vectors/wire/packet-filter.json. */

import {
  createPacketFilter,
  type Destination,
  grantedCaps,
  IpProtocol,
  type Match,
  readPacketHead,
  readRules,
} from '@signet/filter'
import {
  capMap,
  encodeJson,
  type FilterRule,
  formatAddress,
  formatPrefix,
  parseAddress,
  parseMapResponse,
  parsePrefix,
} from '@signet/protocol'
import type { Checks } from './checks.ts'
import { bool, hex, integer, json, listOf, oneOf, parseJson, record, text } from './fields.ts'
import type { Fields, Json } from './fields.ts'
import { byKind, eachCase } from './format.ts'
import type { Format } from './format.ts'

const direction = oneOf('in', 'out')
const verdict = oneOf('accept', 'drop')

export const packetFilter: Format = eachCase(
  byKind('kind', { decode, verdicts, 'parse-rules': parseRules, caps }),
)

function decode(fields: Fields, checks: Checks): void {
  const head = readPacketHead(fields.get('packet', hex))
  const isKnown = head.protocol !== IpProtocol.Unknown
  if (fields.has('may_differ')) {
    // Ours must be the stricter reading.
    if (checks.equal('known', false, isKnown)) checks.judgeBy('short-ip-header')
    fields.skip('may_differ', 'ip_version', 'known', 'protocol', 'fragment', 'src', 'dst')
    fields.skip('tcp_syn', 'echo_response', 'icmp_error')
    return
  }
  checks.equal('ip_version', fields.get('ip_version', integer), head.version)
  checks.equal('known', fields.get('known', bool), isKnown)
  checks.equal('protocol', fields.get('protocol', integer), head.protocol)
  checks.equal('fragment', fields.get('fragment', bool), head.protocol === IpProtocol.Fragment)
  checks.equal('src', fields.find('src', text), endpoint(head.source, head.sourcePort))
  checks.equal('dst', fields.find('dst', text), endpoint(head.destination, head.destinationPort))
  checks.equal('tcp_syn', fields.get('tcp_syn', bool), head.isTcpSyn)
  checks.equal('echo_response', fields.get('echo_response', bool), head.isEchoReply)
  checks.equal('icmp_error', fields.get('icmp_error', bool), head.isIcmpError)
}

function endpoint(address: Uint8Array | null, port: number): string | undefined {
  if (address === null) return undefined
  const host = formatAddress({ bytes: address, zone: '' })
  return address.length === 4 ? `${host}:${port}` : `[${host}]:${port}`
}

function verdicts(fields: Fields, checks: Checks): void {
  const holders = fields.get('capabilities', listOf(record)).map((each) => ({
    address: parseAddress(each.get('ip', text)).bytes,
    cap: each.get('cap', text),
  }))
  const { matches } = readRules(readRuleList(fields.get('rules', text)))
  const filter = createPacketFilter({
    matches: fields.get('shields_up', bool) ? [] : matches,
    local: fields.get('local_prefixes', listOf(text)).map(parsePrefix),
    hasCap: (source, capability) =>
      holders.some(
        ({ address, cap }) => cap === capability && Buffer.compare(address, source) === 0,
      ),
  })
  // In order: what goes out lets answers in.
  for (const packet of fields.get('packets', listOf(record))) {
    const bytes = packet.get('packet', hex)
    const isAdmitted =
      packet.get('dir', direction) === 'in' ? filter.admits(bytes) : filter.sends(bytes)
    const what = packet.get('what', text)
    if (packet.find('may_differ', bool) === true) {
      if (checks.equal(what, false, isAdmitted)) checks.judgeBy('short-ip-header')
      continue
    }
    checks.equal(what, packet.get('verdict', verdict), isAdmitted ? 'accept' : 'drop')
  }
}

function readRuleList(rules: string): readonly FilterRule[] {
  return parseMapResponse(`{"PacketFilter":${rules}}`).PacketFilter ?? []
}

function parseRules(fields: Fields, checks: Checks): void {
  const { matches, problems } = readRules(readRuleList(fields.get('rules', text)))
  checks.equal('error', fields.get('error', bool), problems.length > 0)
  checks.equal(
    'matches',
    fields.get('matches', json),
    matches.length === 0 ? null : matches.map(shown),
  )
}

function shown(match: Match): Json {
  return {
    protos: [...match.protocols],
    srcs: match.sources.map(formatPrefix),
    src_caps: [...match.sourceCaps],
    dsts: match.destinations.map(shownDestination),
    caps: match.caps.map(({ destination, name, values }) => ({
      cap: name,
      dst: formatPrefix(destination),
      values: values === null ? null : values.map((value) => parseJson(value, name)),
    })),
  }
}

function shownDestination({ network, first, last }: Destination): Json {
  return { net: formatPrefix(network), first, last }
}

function caps(fields: Fields, checks: Checks): void {
  const { matches } = readRules(readRuleList(fields.get('rules', text)))
  const source = parseAddress(fields.get('src', text)).bytes
  const destination = parseAddress(fields.get('dst', text)).bytes
  const granted = grantedCaps(matches, source, destination)
  checks.equal('caps_json', fields.get('caps_json', text), encodeJson(capMap, granted))
}
