// SPDX-License-Identifier: Apache-2.0

/**
 * The map of relays that nodes are given: this server, if clients can reach it as a relay, and outside ones.
 *
 * Clients speak TLS to relays. Plain HTTP is for trials on one machine, with clients that were told so
 * (`TS_DEBUG_USE_DERP_HTTP=1`), so it is offered for loopback addresses only.
 *
 * @module
 */

import { isIPv4, isIPv6 } from 'node:net'
import { derpMap, encodeJson } from '@signet/protocol'
import type { DERPNode, DERPRegion } from '@signet/protocol'
import { isLoopback } from './loopback.ts'
import type { RelayMap } from './parse-relay-map.ts'
import { DEFAULT_RELAY } from './settings.ts'
import type { RelayRegion } from './settings.ts'

/** No relays: nodes reach each other directly. */
export const NO_RELAYS: string = encodeJson(derpMap, { Regions: {}, omitDefaultRegions: true })

/** This server as a relay. */
export interface EmbeddedRelay {
  readonly region: RelayRegion
  readonly node: Omit<DERPNode, 'Name'>
}

/**
 * Returns this server as a relay, if it calls itself `url` and clients can use it; undefined if they would have to
 * speak plain HTTP over a network. `certName` is how clients know its certificate if not by its name.
 */
export function embeddedRelay(options: {
  readonly url: string
  readonly stunPort: number | undefined
  readonly certName?: string | undefined
  readonly region?: RelayRegion | undefined
}): EmbeddedRelay | undefined {
  const { url, stunPort, certName, region = DEFAULT_RELAY.region } = options
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const isPlain = protocol !== 'https:'
  if (isPlain && !isLoopback(host)) return undefined
  const node = {
    RegionID: region.id,
    HostName: host,
    DERPPort: port === '' ? (isPlain ? 80 : 443) : Number(port),
    STUNPort: stunPort ?? -1,
    ...(!isPlain && certName !== undefined && { CertName: certName }),
    // An address needs no question to a name server.
    ...(isIPv4(host) && { IPv4: host, IPv6: 'none' }),
    ...(isIPv6(host) && { IPv6: host, IPv4: 'none' }),
    ...(isPlain && { InsecureForTests: true }),
  }
  return { region, node }
}

/** Returns the map, as JSON, of a server that knows no other relays. */
export function relayMapJson(url: string, stunPort: number | undefined, certName?: string): string {
  return mergedMapJson(embeddedRelay({ url, stunPort, certName }), [])
}

/**
 * Returns one map of all, as JSON. A later map wins over an earlier one, region by region. If a region of the same
 * number as that of this server is among them, its relays are others of the same region.
 */
export function mergedMapJson(
  embedded: EmbeddedRelay | undefined,
  maps: readonly RelayMap[],
): string {
  const regions = new Map<number, DERPRegion>()
  const scores = new Map<number, number>()
  for (const map of maps) {
    for (const [id, region] of map.regions) regions.set(id, region)
    for (const [id, score] of map.scores) scores.set(id, score)
  }
  if (embedded !== undefined) {
    const { id, code, name } = embedded.region
    const others = (regions.get(id)?.Nodes ?? []).filter(
      (node) => node !== null && !isSamePlace(node, embedded.node),
    )
    const taken = new Set(others.map((node) => node?.Name))
    const self = { Name: freeName(id, taken), ...embedded.node }
    regions.set(id, {
      RegionID: id,
      RegionCode: code,
      RegionName: name,
      Nodes: [self, ...others],
    })
  }
  const known = [...scores].filter(([id]) => regions.has(id))
  return encodeJson(derpMap, {
    ...(known.length > 0 && { HomeParams: { RegionScore: Object.fromEntries(known) } }),
    Regions: Object.fromEntries(regions),
    omitDefaultRegions: true,
  })
}

function isSamePlace(a: DERPNode, b: Omit<DERPNode, 'Name'>): boolean {
  const port = (node: Omit<DERPNode, 'Name'>): number => node.DERPPort || 443
  return a.HostName.toLowerCase() === b.HostName.toLowerCase() && port(a) === port(b)
}

function freeName(id: number, taken: ReadonlySet<string | undefined>): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz'.split('')
  const letter = letters.find((each) => !taken.has(`${id}${each}`))
  return `${id}${letter ?? '-signet'}`
}
