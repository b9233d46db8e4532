// SPDX-License-Identifier: Apache-2.0

/**
 * Rules as the control plane writes them, read into what packets are compared with.
 *
 * What cannot be read opens nothing: a malformed address is left out of its rule. Members that were
 * given up long ago (SrcBits, Bits) would change what the others mean, so they void the whole filter.
 *
 * @module
 */

import { parsePrefix, type FilterRule, type IpPrefix, type RawJson } from '@signet/protocol'
import { AddressSet } from './address-set.ts'
import { parseIpSet } from './ip-set.ts'
import { IpProtocol } from './packet-head.ts'

/** Protocols of a rule that names none. */
const DEFAULT_PROTOCOLS: readonly number[] = [
  IpProtocol.Tcp,
  IpProtocol.Udp,
  IpProtocol.Icmp,
  IpProtocol.Icmpv6,
]

/** Addresses with ports, both ends included. */
export interface Destination {
  readonly network: IpPrefix
  readonly first: number
  readonly last: number
}

/** A capability that the sources have towards a destination. */
export interface GrantedCap {
  readonly destination: IpPrefix
  readonly name: string
  readonly values: readonly RawJson[] | null
}

/** One rule, read. */
export interface Match {
  readonly protocols: readonly number[]
  readonly sources: readonly IpPrefix[]
  /** The same as `sources`, for asking. */
  readonly isSource: AddressSet
  /** Peers with one of these capabilities are sources too. */
  readonly sourceCaps: readonly string[]
  readonly destinations: readonly Destination[]
  readonly caps: readonly GrantedCap[]
}

/** Rules that were read. */
export interface Matches {
  readonly matches: readonly Match[]
  /** What could not be read, for people; empty if everything was. */
  readonly problems: readonly string[]
}

/** Reads rules. Never throws: what is wrong with them is among the problems. */
export function readRules(rules: readonly FilterRule[]): Matches {
  const problems: string[] = []
  const matches: Match[] = []
  for (const rule of rules) {
    const outdated = (rule.SrcBits ?? []).length > 0 ? 'SrcBits' : outdatedBits(rule)
    if (outdated !== null) {
      return { matches: [], problems: [`${outdated} is no longer used: no rule counts`] }
    }
    matches.push(readRule(rule, problems))
  }
  return { matches, problems }
}

function outdatedBits(rule: FilterRule): string | null {
  return rule.DstPorts?.some(({ Bits }) => Bits !== undefined) === true ? 'Bits' : null
}

function readRule(rule: FilterRule, problems: string[]): Match {
  const sources: IpPrefix[] = []
  const sourceCaps: string[] = []
  for (const text of rule.SrcIPs ?? []) {
    const set = parseIpSet(text)
    if (set === null) problems.push(`no source: ${JSON.stringify(text.slice(0, 64))}`)
    else if ('capability' in set) sourceCaps.push(set.capability)
    else sources.push(...set.prefixes)
  }
  const destinations: Destination[] = []
  for (const { IP, Ports } of rule.DstPorts ?? []) {
    const set = parseIpSet(IP)
    if (set === null || 'capability' in set) {
      problems.push(`no destination: ${JSON.stringify(IP.slice(0, 64))}`)
      continue
    }
    for (const network of set.prefixes) {
      destinations.push({ network, first: Ports.First, last: Ports.Last })
    }
  }
  const named = rule.IPProto ?? []
  return {
    protocols: named.length === 0 ? DEFAULT_PROTOCOLS : named.filter((n) => n >= 0 && n <= 0xff),
    sources,
    isSource: new AddressSet(sources),
    sourceCaps,
    destinations,
    caps: readGrants(rule),
  }
}

function readGrants(rule: FilterRule): GrantedCap[] {
  const caps: GrantedCap[] = []
  for (const grant of rule.CapGrant ?? []) {
    for (const text of grant.Dsts ?? []) {
      // The invalid prefix, which contains nothing.
      if (text === '') continue
      const destination = parsePrefix(text)
      for (const name of grant.Caps ?? []) caps.push({ destination, name, values: null })
      for (const [name, values] of Object.entries(grant.CapMap ?? {})) {
        caps.push({ destination, name, values })
      }
    }
  }
  return caps
}
