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
import { parseIpSet, type IpSet } from './ip-set.ts'
import { IpProtocol } from './packet-head.ts'

/** Protocols of a rule that names none. */
const DEFAULT_PROTOCOLS: readonly number[] = [
  IpProtocol.Tcp,
  IpProtocol.Udp,
  IpProtocol.Icmp,
  IpProtocol.Icmpv6,
]

/**
 * Prefixes that the ranges of all rules may come to. A range of 80 characters can need 254 of them: without a bound,
 * a map of a few megabytes would fill the memory of a node.
 */
export const MAX_RANGE_PREFIXES = 16_384

/** Capabilities that rules may grant: each destination of a grant times each name in it. */
export const MAX_GRANTED_CAPS = 16_384

/** Problems that are told; who reads them has seen enough. */
export const MAX_PROBLEMS = 100

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

/** What of the bounds is left while rules are read. */
class Reading {
  readonly problems: string[] = []
  #ranges = MAX_RANGE_PREFIXES
  #grants = MAX_GRANTED_CAPS

  tell(problem: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem)
  }

  /** Returns what the text stands for, or null, having said so. */
  setOf(text: string, what: string): IpSet | null {
    const isRange = text.includes('-') && !text.startsWith('cap:')
    const set = isRange && this.#ranges <= 0 ? null : parseIpSet(text)
    if (isRange && set !== null && 'prefixes' in set) this.#ranges -= set.prefixes.length
    if (set === null) this.tell(`no ${what}: ${JSON.stringify(text.slice(0, 64))}`)
    return set
  }

  /** Whether one more grant may be read. */
  takesGrant(): boolean {
    if (this.#grants-- > 0) return true
    this.tell(`no grant: there are more than ${MAX_GRANTED_CAPS}`)
    return false
  }
}

/** Reads rules. Never throws: what is wrong with them is among the problems. */
export function readRules(rules: readonly FilterRule[]): Matches {
  const reading = new Reading()
  const matches: Match[] = []
  for (const rule of rules) {
    const outdated = (rule.SrcBits ?? []).length > 0 ? 'SrcBits' : outdatedBits(rule)
    if (outdated !== null) {
      return { matches: [], problems: [`${outdated} is no longer used: no rule counts`] }
    }
    matches.push(readRule(rule, reading))
  }
  return { matches, problems: reading.problems }
}

function outdatedBits(rule: FilterRule): string | null {
  return rule.DstPorts?.some(({ Bits }) => Bits !== undefined) === true ? 'Bits' : null
}

function readRule(rule: FilterRule, reading: Reading): Match {
  const sources: IpPrefix[] = []
  const sourceCaps: string[] = []
  for (const text of rule.SrcIPs ?? []) {
    const set = reading.setOf(text, 'source')
    if (set === null) continue
    if ('capability' in set) sourceCaps.push(set.capability)
    else sources.push(...set.prefixes)
  }
  const destinations: Destination[] = []
  for (const { IP, Ports } of rule.DstPorts ?? []) {
    const set = reading.setOf(IP, 'destination')
    if (set === null) continue
    if ('capability' in set) {
      reading.tell(`no destination: ${JSON.stringify(IP.slice(0, 64))}`)
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
    caps: readGrants(rule, reading),
  }
}

function readGrants(rule: FilterRule, reading: Reading): GrantedCap[] {
  const caps: GrantedCap[] = []
  for (const { Dsts, Caps, CapMap } of rule.CapGrant ?? []) {
    const named = [
      ...(Caps ?? []).map((name) => ({ name, values: null })),
      ...Object.entries(CapMap ?? {}).map(([name, values]) => ({ name, values })),
    ]
    for (const text of Dsts ?? []) {
      // The invalid prefix, which contains nothing.
      if (text === '') continue
      const destination = parsePrefix(text)
      for (const grant of named) {
        if (!reading.takesGrant()) return caps
        caps.push({ destination, ...grant })
      }
    }
  }
  return caps
}
