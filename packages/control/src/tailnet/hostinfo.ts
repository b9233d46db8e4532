// SPDX-License-Identifier: Apache-2.0

/**
 * Host information: what a machine says about itself, stored as it came. Peers get only what they act upon;
 * the rest (log identifiers, network measurements, versions of the Go compiler) is nobody's business and would
 * make every measurement of one node a message to all others.
 *
 * @module
 */

import { MAX_RELAY_REGION } from '../limits.ts'

/** Fields that peers act upon, in the order in which they are written. */
const SHOWN = [
  'OS',
  'Hostname',
  'Services',
  'sshHostKeys',
  'Location',
  'ShareeNode',
  'WireIngress',
  'PeerRelay',
  'AllowsUpdate',
] as const

type Json = Record<string, unknown>

/** Parses stored host information: it was written by us, as one JSON object. */
export function parseHostinfo(text: string): Json {
  return JSON.parse(text) as Json
}

/** The part for peers, as JSON text. */
export function shownHostinfo(text: string): string {
  const full = parseHostinfo(text)
  const shown: Json = {}
  for (const name of SHOWN) {
    const value = full[name]
    if (value !== undefined && value !== null && value !== false && value !== '') {
      shown[name] = value
    }
  }
  return JSON.stringify(shown)
}

/** The home relay region in the network measurements; 0 when there is none. */
export function homeRelayOf(hostinfo: Json): number {
  const measured = hostinfo['NetInfo']
  if (typeof measured !== 'object' || measured === null) return 0
  const region = (measured as Json)['PreferredDERP']
  const isRegion = typeof region === 'number' && Number.isSafeInteger(region) && region > 0
  return isRegion && region <= MAX_RELAY_REGION ? region : 0
}

/** The routes which the machine offers to carry. */
export function advertisedRoutes(hostinfo: Json): readonly string[] {
  const routes = hostinfo['RoutableIPs']
  return Array.isArray(routes) ? routes.filter((route) => typeof route === 'string') : []
}

/** The name which the machine gives itself. */
export function hostnameOf(hostinfo: Json): string {
  const name = hostinfo['Hostname']
  return typeof name === 'string' ? name.slice(0, 255) : ''
}
