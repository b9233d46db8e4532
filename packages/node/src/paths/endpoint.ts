// SPDX-License-Identifier: Apache-2.0

/**
 * Endpoints as text: `ADDRESS:PORT`, with brackets around IPv6, and a zone only inside of them
 * (`[fe80::1%eth0]:41641`, as the system names the sender on a link).
 *
 * @module
 */

import { isIPv4, isIPv6 } from 'node:net'

/** An endpoint taken apart. */
export interface Endpoint {
  readonly address: string
  readonly port: number
  readonly family: 4 | 6
}

const FORM = /^(?:([0-9.]+)|\[([0-9a-fA-F:.]+(?:%[0-9A-Za-z._-]{1,32})?)\]):([1-9][0-9]{0,4})$/

/** Returns the parts of an endpoint, or null when the text is none. */
export function parseEndpoint(text: string): Endpoint | null {
  const [, v4, v6, portText] = FORM.exec(text) ?? []
  const port = Number(portText)
  if (!(port <= 65_535)) return null
  if (v4 !== undefined && isIPv4(v4)) return { address: v4, port, family: 4 }
  if (v6 !== undefined && isIPv6(v6)) return { address: v6, port, family: 6 }
  return null
}

/** Returns the text of an endpoint. */
export function formatEndpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
