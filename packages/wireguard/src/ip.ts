// SPDX-License-Identifier: Apache-2.0

/**
 * IP addresses and prefixes as bytes: 4 for IPv4, 16 for IPv6. RFC 4291 section 2.2 and RFC 5952
 * for the text forms; no zones, no IPv4 parts with leading zeros.
 *
 * @module
 */

import { WireguardError } from './wireguard-error.ts'

/** An address block; bits behind `bits` are zero. */
export interface IpPrefix {
  readonly address: Uint8Array
  readonly bits: number
}

const GROUP = /^[0-9a-fA-F]{1,4}$/
const DECIMAL = /^(?:0|[1-9][0-9]{0,2})$/

/** Returns the bytes of an address, or null when the text is none. */
export function parseIp(text: string): Uint8Array | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/** Returns the text of an address of 4 or 16 bytes. */
export function formatIp(address: Uint8Array): string {
  return address.length === 4 ? address.join('.') : formatIpv6(address)
}

/**
 * Parses `ADDRESS/BITS`, or an address alone as a block of one. Bits behind the length are cleared.
 *
 * @throws WireguardError `bad-prefix`.
 */
export function parsePrefix(text: string): IpPrefix {
  const slash = text.indexOf('/')
  const address = parseIp(slash < 0 ? text : text.slice(0, slash))
  if (address === null) throw badPrefix(text)
  const max = address.length * 8
  const bitsText = slash < 0 ? String(max) : text.slice(slash + 1)
  const bits = Number(bitsText)
  if (!DECIMAL.test(bitsText) || bits > max) throw badPrefix(text)
  return { address: maskAddress(address, bits), bits }
}

/** Returns the text of a prefix, always with its length. */
export function formatPrefix(prefix: IpPrefix): string {
  return `${formatIp(prefix.address)}/${prefix.bits}`
}

function badPrefix(text: string): WireguardError {
  return new WireguardError(
    'bad-prefix',
    `Cannot parse prefix: expected ADDRESS/BITS, got ${JSON.stringify(text)}`,
  )
}

function maskAddress(address: Uint8Array, bits: number): Uint8Array {
  if (bits === address.length * 8) return address
  return address.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8))
    return byte & (0xff << (8 - kept))
  })
}

function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  const bytes = new Uint8Array(4)
  for (const [index, part] of parts.entries()) {
    const value = Number(part)
    if (!DECIMAL.test(part) || value > 255) return null
    bytes[index] = value
  }
  return bytes
}

function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = parseGroups(halves[0] ?? '', halves.length === 1)
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : []
  if (head === null || tail === null) return null
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null
  const bytes = new Uint8Array(16)
  writeGroups(bytes, 0, head)
  writeGroups(bytes, 16 - 2 * tail.length, tail)
  return bytes
}

function writeGroups(bytes: Uint8Array, offset: number, groups: readonly number[]): void {
  for (const [index, group] of groups.entries()) {
    bytes[offset + 2 * index] = group >>> 8
    bytes[offset + 2 * index + 1] = group
  }
}

/** Parses `a:b:c`; the last part may be an IPv4 address when it ends the whole text. */
function parseGroups(text: string, endsText: boolean): number[] | null {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (GROUP.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const embedded = endsText && index === parts.length - 1 ? parseIpv4(part) : null
    if (embedded === null) return null
    const [a = 0, b = 0, c = 0, d = 0] = embedded
    groups.push((a << 8) | b, (c << 8) | d)
  }
  return groups
}

function formatIpv6(address: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => {
    return ((address[index * 2] ?? 0) << 8) | (address[index * 2 + 1] ?? 0)
  })
  let best = { start: 0, length: 0 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === 0) length += 1
    if (length > best.length) best = { start, length }
  }
  const hex = groups.map((group) => group.toString(16))
  if (best.length < 2) return hex.join(':')
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`
}
