// SPDX-License-Identifier: Apache-2.0

/**
 * Where a request comes from: the peer of its socket, or what a proxy says that was named in the settings.
 * Anybody can write the headers that proxies write, so from others they do not count.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { TLSSocket } from 'node:tls'
import { ControlError } from '../errors.ts'

/** Where a request comes from. */
export interface Source {
  /** An IP address; IPv4 as such also where the socket takes both. */
  readonly address: string
  /** The port that belongs to it; proxies do not tell. */
  readonly port: number | undefined
  /** Whether the client's own connection was TLS. */
  readonly isSecure: boolean
}

/** What is looked at of a request. */
export type SourceRequest = Pick<IncomingMessage, 'headers' | 'socket'>

/** Tells the source of a request. */
export type SourceOf = (request: SourceRequest) => Source

/**
 * Returns a function that believes the named proxies: addresses or prefixes, as in `10.0.0.0/8`.
 *
 * @throws ControlError 'bad-config' at something else
 */
export function createSourceOf(trustedProxies: readonly string[]): SourceOf {
  const trusted = new BlockList()
  for (const prefix of trustedProxies) addPrefix(trusted, prefix)
  const isTrusted = (address: string): boolean =>
    trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

  return ({ headers, socket }) => {
    const peer = unmap(socket.remoteAddress ?? '')
    const isSecure = socket instanceof TLSSocket
    if (isIP(peer) === 0 || !isTrusted(peer)) {
      return { address: peer, port: socket.remotePort, isSecure }
    }
    // Each proxy adds whom it saw at the end: the first one from there that is no proxy is the client.
    let address = peer
    for (const hop of listOf(headers['x-forwarded-for']).toReversed()) {
      const next = addressOf(hop)
      if (next === undefined) break
      address = next
      if (!isTrusted(next)) break
    }
    const protocol = listOf(headers['x-forwarded-proto']).at(-1)?.toLowerCase()
    const port = address === peer ? socket.remotePort : undefined
    return { address, port, isSecure: protocol === undefined ? isSecure : protocol === 'https' }
  }
}

function addPrefix(list: BlockList, prefix: string): void {
  const [address = '', bits, ...more] = prefix.split('/')
  const family = isIP(address)
  const width = family === 6 ? 128 : 32
  const length = bits === undefined ? width : Number(bits)
  const isNumber = bits === undefined || /^\d{1,3}$/.test(bits)
  if (family === 0 || !isNumber || length > width || more.length > 0) {
    throw new ControlError(
      'bad-config',
      `trusted_proxies: expected an IP address or a prefix as in 10.0.0.0/8, got ${JSON.stringify(prefix)}`,
    )
  }
  list.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4')
}

function listOf(header: string | string[] | undefined): string[] {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '')
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** Some proxies add the port. */
function addressOf(hop: string): string | undefined {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1]
  const withPort = /^([\d.]+):\d+$/.exec(hop)?.[1]
  const address = unmap(bracketed ?? withPort ?? hop)
  return isIP(address) === 0 ? undefined : address
}

function unmap(address: string): string {
  const four = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  return four ?? address
}
