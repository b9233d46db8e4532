// SPDX-License-Identifier: Apache-2.0

/**
 * The map of relays that nodes are given: this server, if clients can reach it as a relay.
 *
 * Clients speak TLS to relays. Plain HTTP is for trials on one machine, with clients that were told so
 * (`TS_DEBUG_USE_DERP_HTTP=1`), so it is offered for loopback addresses only.
 *
 * @module
 */

import { isIPv4, isIPv6 } from 'node:net'
import { derpMap, encodeJson } from '@signet/protocol'
import type { DERPNode } from '@signet/protocol'

/** Numbers from 900 on are for relays that are not the public ones. */
const REGION = 900

/** No relays: nodes reach each other directly. */
export const NO_RELAYS: string = encodeJson(derpMap, { Regions: {}, omitDefaultRegions: true })

/**
 * Returns the map, as JSON, for a server that calls itself `url`. `certName` is how clients know its
 * certificate if not by its name.
 */
export function relayMapJson(url: string, stunPort: number | undefined, certName?: string): string {
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const isPlain = protocol !== 'https:'
  if (isPlain && !isLoopback(host)) return NO_RELAYS
  const node: DERPNode = {
    Name: `${REGION}a`,
    RegionID: REGION,
    HostName: host,
    DERPPort: port === '' ? (isPlain ? 80 : 443) : Number(port),
    STUNPort: stunPort ?? -1,
    ...(!isPlain && certName !== undefined && { CertName: certName }),
    // An address needs no question to a name server.
    ...(isIPv4(host) && { IPv4: host, IPv6: 'none' }),
    ...(isIPv6(host) && { IPv6: host, IPv4: 'none' }),
    ...(isPlain && { InsecureForTests: true }),
  }
  const region = { RegionID: REGION, RegionCode: 'signet', RegionName: 'Signet', Nodes: [node] }
  return encodeJson(derpMap, { Regions: { [REGION]: region }, omitDefaultRegions: true })
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}
