// SPDX-License-Identifier: Apache-2.0

/**
 * Ports and protocols as policies write them.
 *
 * @module
 */

import { ControlError } from '../errors.ts'

/** Both ends included. */
export interface PortRange {
  readonly First: number
  readonly Last: number
}

/** Every port. */
export const ALL_PORTS: PortRange = { First: 0, Last: 65_535 }

/** What a rule is about: IP protocols (none means TCP, UDP and ICMP) and ports. */
export interface Traffic {
  readonly protocols: readonly number[]
  readonly ports: readonly PortRange[]
}

const PROTOCOLS: ReadonlyMap<string, readonly number[]> = new Map([
  ['icmp', [1, 58]],
  ['igmp', [2]],
  ['ipv4', [4]],
  ['ip-in-ip', [4]],
  ['tcp', [6]],
  ['egp', [8]],
  ['igp', [9]],
  ['udp', [17]],
  ['gre', [47]],
  ['esp', [50]],
  ['ah', [51]],
  ['ipv6-icmp', [58]],
  ['sctp', [132]],
])

/** Protocols that have ports. */
const WITH_PORTS: readonly number[] = [6, 17, 132]

/** Reads the ports after a destination: `*`, `22`, `80,443`, `1000-2000`. @throws ControlError 'bad-policy' */
export function readPorts(text: string): readonly PortRange[] {
  if (text === '*') return [ALL_PORTS]
  return text.split(',').map((part) => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part)
    const first = Number(match?.[1])
    const last = Number(match?.[2] ?? match?.[1])
    if (match === null || first > last || last > 65_535) {
      throw new ControlError('bad-policy', `${JSON.stringify(text)} is no list of ports`)
    }
    return { First: first, Last: last }
  })
}

/** Reads the protocol of a rule; none for TCP, UDP and ICMP. @throws ControlError 'bad-policy' */
export function readProtocol(protocol: string | number | undefined): readonly number[] {
  if (protocol === undefined || protocol === '') return []
  const known = PROTOCOLS.get(String(protocol).toLowerCase())
  if (known !== undefined) return known
  const number = Number(protocol)
  if (!/^\d{1,3}$/.test(String(protocol)) || number < 1 || number > 255) {
    throw new ControlError('bad-policy', `${JSON.stringify(protocol)} is no protocol`)
  }
  return [number]
}

/** Reads an entry of `ip` in a grant: `*`, `443`, `tcp:443`, `icmp:*`. @throws ControlError 'bad-policy' */
export function readTraffic(text: string): Traffic {
  const colon = text.indexOf(':')
  const traffic = {
    protocols: colon < 0 ? [] : readProtocol(text.slice(0, colon)),
    ports: readPorts(text.slice(colon + 1)),
  }
  checkTraffic(traffic)
  return traffic
}

/** Only some protocols have ports. @throws ControlError 'bad-policy' */
export function checkTraffic({ protocols, ports }: Traffic): void {
  const hasPorts = protocols.every((number) => WITH_PORTS.includes(number))
  if (!hasPorts && ports.some(({ First, Last }) => First !== 0 || Last !== 65_535)) {
    throw new ControlError('bad-policy', 'this protocol has no ports: write * for them')
  }
}
