// SPDX-License-Identifier: Apache-2.0

/**
 * Addresses: one from 100.64.0.0/10 for each node, and one from fd7a:115c:a1e0::/48 that contains it.
 *
 * Given out in ascending order, and again from the start only when the range is used up: an address that was
 * somebody else's yesterday is a way to be mistaken for them today.
 *
 * @module
 */

import { ControlError } from '../errors.ts'

const FIRST = ipv4Number('100.64.0.1')
const LAST = ipv4Number('100.127.255.254')

/** Ranges inside which clients give a meaning to: the service address, and those of ChromeOS containers. */
const RESERVED: readonly (readonly [first: number, last: number])[] = [
  [ipv4Number('100.100.0.0'), ipv4Number('100.100.0.255')],
  [ipv4Number('100.100.100.0'), ipv4Number('100.100.100.255')],
  [ipv4Number('100.115.92.0'), ipv4Number('100.115.93.255')],
]

/** The two addresses of a node. */
export interface NodeAddresses {
  readonly ipv4: string
  readonly ipv6: string
}

/** Gives out addresses. */
export interface AddressPool {
  /** The next free pair; not taken until {@link take} is called. @throws ControlError 'limit' */
  next(): NodeAddresses
  take(ipv4: string): void
  release(ipv4: string): void
}

/** Makes a pool in which `taken` are in use. */
export function createAddressPool(taken: Iterable<string>): AddressPool {
  const used = new Set<number>()
  let cursor = FIRST
  const pool: AddressPool = {
    next() {
      for (let tries = LAST - FIRST + 1; tries > 0; tries--) {
        if (cursor > LAST) cursor = FIRST
        const hole = RESERVED.find(([first, last]) => first <= cursor && cursor <= last)
        if (hole !== undefined) cursor = hole[1] + 1
        else if (!used.has(cursor)) return addressesOf(cursor)
        else cursor++
      }
      throw new ControlError('limit', 'Cannot add a node: every address of this tailnet is in use')
    },
    take(ipv4) {
      const number = ipv4Number(ipv4)
      used.add(number)
      if (number >= cursor) cursor = number + 1
    },
    release(ipv4) {
      used.delete(ipv4Number(ipv4))
    },
  }
  for (const ipv4 of taken) pool.take(ipv4)
  return pool
}

/** The IPv6 address that goes with an IPv4 address. */
export function ipv6For(ipv4: string): string {
  const number = ipv4Number(ipv4)
  return `fd7a:115c:a1e0::${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}`
}

function addressesOf(number: number): NodeAddresses {
  const ipv4 = [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.')
  return { ipv4, ipv6: ipv6For(ipv4) }
}

function ipv4Number(text: string): number {
  return text.split('.').reduce((number, part) => number * 256 + Number(part), 0)
}
