// SPDX-License-Identifier: Apache-2.0

/**
 * How nodes resolve names: the settings, and the DNSConfig that follows from them.
 *
 * @module
 */

import type { DNSConfig, Resolver } from '@signet/protocol'

/** A name with an address that every node resolves by itself. */
export interface ExtraRecord {
  readonly name: string
  readonly type: 'A' | 'AAAA'
  readonly value: string
}

/** The settings of name resolution. */
export interface DnsSettings {
  /** Whether the names of nodes resolve. */
  readonly magicDns: boolean
  /** After the tailnet's own domain. */
  readonly searchDomains: readonly string[]
  /** Addresses or DoH URLs of resolvers for everything else. */
  readonly nameservers: readonly string[]
  /** Whether those replace the resolvers of the machine, or only stand in when it has none. */
  readonly overrideLocal: boolean
  /** Suffix to the resolvers that answer for it. */
  readonly split: Readonly<Record<string, readonly string[]>>
  readonly extraRecords: readonly ExtraRecord[]
}

/** Names of nodes resolve, and the rest is the machine's own business. */
export const DEFAULT_DNS: DnsSettings = {
  magicDns: true,
  searchDomains: [],
  nameservers: [],
  overrideLocal: true,
  split: {},
  extraRecords: [],
}

/** The reverse zones of the addresses that nodes have: 100.64.0.0/10, and fd7a:115c:a1e0::/48. */
const REVERSE_ZONES: readonly string[] = [
  ...Array.from({ length: 64 }, (_, index) => `${64 + index}.100.in-addr.arpa`),
  '0.e.1.a.c.5.1.1.a.7.d.f.ip6.arpa',
]

/** Returns the DNSConfig of a tailnet with this domain. */
export function dnsConfigFor(settings: DnsSettings, domain: string): DNSConfig {
  const { magicDns, nameservers, overrideLocal, extraRecords } = settings
  const resolvers = nameservers.map(resolverAt)
  const routes = new Map<string, readonly Resolver[]>()
  // No resolvers: answered by the node from what it knows.
  if (magicDns) for (const zone of [domain, ...REVERSE_ZONES]) routes.set(zone, [])
  for (const [suffix, servers] of Object.entries(settings.split)) {
    routes.set(suffix, servers.map(resolverAt))
  }
  for (const { name } of extraRecords) {
    // Older clients are asked for these names only when a route says so.
    if (!isCovered(name, routes)) routes.set(name, [])
  }
  const domains = [...(magicDns ? [domain] : []), ...settings.searchDomains]
  return {
    ...(resolvers.length > 0 &&
      (overrideLocal ? { Resolvers: resolvers } : { FallbackResolvers: resolvers })),
    ...(routes.size > 0 && { Routes: Object.fromEntries(routes) }),
    ...(domains.length > 0 && { Domains: [...new Set(domains)] }),
    ...(magicDns && { Proxied: true }),
    ...(extraRecords.length > 0 && {
      // Without a type: clients tell the two by the address, and keep an index of those without one only.
      ExtraRecords: extraRecords.map(({ name, value }) => ({ Name: name, Value: value })),
    }),
  }
}

function resolverAt(address: string): Resolver {
  return { Addr: address }
}

/** Whether the node itself answers for the name already. */
function isCovered(name: string, routes: ReadonlyMap<string, readonly Resolver[]>): boolean {
  for (const [suffix, resolvers] of routes) {
    if (resolvers.length === 0 && (name === suffix || name.endsWith(`.${suffix}`))) return true
  }
  return false
}
