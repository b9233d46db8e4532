// SPDX-License-Identifier: Apache-2.0

/**
 * Addresses, prefixes and address-ports as text, with the rules of Go's net/netip.
 *
 * Messages carry them as canonical text: two texts are equal exactly if the values are.
 * "" is the invalid value, which Go writes and reads.
 *
 * @module
 */

import { ProtocolError } from './errors.ts'

/** An IP address: 4 or 16 bytes, and the zone of a link-local IPv6 address. */
export interface IpAddress {
  readonly bytes: Uint8Array
  readonly zone: string
}

/** An IP prefix. Bits beyond the length may be set. */
export interface IpPrefix {
  readonly bytes: Uint8Array
  readonly bits: number
}

function fail(what: string, text: string): never {
  throw new ProtocolError('value', `Cannot parse ${what}: ${JSON.stringify(text.slice(0, 64))}`)
}

/**
 * Parses an IPv4 or IPv6 address.
 *
 * @throws ProtocolError `value`
 */
export function parseAddress(text: string): IpAddress {
  const address = tryAddress(text)
  return address ?? fail('IP address', text)
}

function tryAddress(text: string): IpAddress | undefined {
  if (!text.includes(':')) {
    const bytes = new Uint8Array(4)
    return tryIpv4(text, bytes, 0) ? { bytes, zone: '' } : undefined
  }
  const percent = text.indexOf('%')
  const zone = percent < 0 ? '' : text.slice(percent + 1)
  if (percent >= 0 && zone === '') return undefined
  const bytes = tryIpv6(percent < 0 ? text : text.slice(0, percent))
  return bytes && { bytes, zone }
}

function tryIpv4(text: string, out: Uint8Array, at: number): boolean {
  let value = 0
  let digits = 0
  let field = 0
  for (let i = 0; i <= text.length; i++) {
    const char = i === text.length ? 0x2e : text.charCodeAt(i)
    if (char >= 0x30 && char <= 0x39) {
      if (digits === 1 && value === 0) return false
      value = value * 10 + (char - 0x30)
      digits += 1
      if (value > 255) return false
    } else if (char === 0x2e && digits > 0 && field < 4) {
      out[at + field] = value
      field += 1
      value = 0
      digits = 0
    } else return false
  }
  return field === 4
}

function tryIpv6(text: string): Uint8Array | undefined {
  const gap = text.indexOf('::')
  if (gap >= 0 && text.indexOf('::', gap + 1) >= 0) return undefined
  const head = gap < 0 ? text : text.slice(0, gap)
  const tail = gap < 0 ? '' : text.slice(gap + 2)
  const front = groupBytes(head, gap < 0)
  const back = groupBytes(tail, true)
  if (front === undefined || back === undefined) return undefined
  const length = front.length + back.length
  // "::" stands for at least one group.
  if (gap < 0 ? length !== 16 : length > 14) return undefined
  const bytes = new Uint8Array(16)
  bytes.set(front)
  bytes.set(back, 16 - back.length)
  return bytes
}

function groupBytes(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return []
  const groups = text.split(':')
  if (groups.length > 8) return undefined
  const out: number[] = []
  for (const [i, group] of groups.entries()) {
    if (mayEndInIpv4 && i === groups.length - 1 && group.includes('.')) {
      const ipv4 = new Uint8Array(4)
      if (!tryIpv4(group, ipv4, 0)) return undefined
      out.push(...ipv4)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined
      const value = Number.parseInt(group, 16)
      out.push(value >> 8, value & 0xff)
    }
  }
  return out
}

/** Returns the canonical text of an address. */
export function formatAddress({ bytes, zone }: IpAddress): string {
  if (bytes.length === 4) return bytes.join('.')
  const suffix = zone === '' ? '' : `%${zone}`
  if (isMapped(bytes)) return `::ffff:${bytes.subarray(12).join('.')}${suffix}`
  const groups: number[] = []
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0))
  const gap = longestZeroRun(groups)
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  if (gap.length < 2) return hex(groups) + suffix
  return `${hex(groups.slice(0, gap.start))}::${hex(groups.slice(gap.start + gap.length))}${suffix}`
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let length = 0
  for (const [i, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0
    if (length > best.length) best = { start: i + 1 - length, length }
  }
  return best
}

/**
 * Parses a prefix such as `100.64.0.0/10`. Host bits may be set, zones may not be present.
 *
 * @throws ProtocolError `value`
 */
export function parsePrefix(text: string): IpPrefix {
  const slash = text.lastIndexOf('/')
  const address = slash < 0 ? undefined : tryAddress(text.slice(0, slash))
  const bitsText = text.slice(slash + 1)
  if (address === undefined || address.zone !== '' || !/^(?:0|[1-9][0-9]{0,2})$/.test(bitsText)) {
    return fail('IP prefix', text)
  }
  const bits = Number(bitsText)
  if (bits > address.bytes.length * 8) fail('IP prefix', text)
  return { bytes: address.bytes, bits }
}

/** Returns the canonical text of a prefix. */
export function formatPrefix({ bytes, bits }: IpPrefix): string {
  return `${formatAddress({ bytes, zone: '' })}/${bits}`
}

/** True if the address, of the same family, lies within the prefix. */
export function prefixContains(prefix: IpPrefix, address: Uint8Array): boolean {
  if (address.length !== prefix.bytes.length) return false
  const whole = prefix.bits >> 3
  for (let i = 0; i < whole; i++) if (address[i] !== prefix.bytes[i]) return false
  const rest = prefix.bits & 7
  if (rest === 0) return true
  return ((address[whole] ?? 0) ^ (prefix.bytes[whole] ?? 0)) >> (8 - rest) === 0
}

const PLAIN_IPV4 =
  /^(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}$/
const PLAIN_IPV6 =
  /^[1-9a-f][0-9a-f]{0,3}(?::[1-9a-f][0-9a-f]{0,3}){0,5}::(?:[1-9a-f][0-9a-f]{0,3}(?::[1-9a-f][0-9a-f]{0,3}){0,4})?$/

/**
 * True for nearly all addresses that are canonical already, so that a map of thousands need not be
 * taken apart and put together again. IPv6 must have no zero groups beside "::", which has to stand
 * for two groups at least, so that there are six others at most.
 */
function isPlainAddress(text: string): boolean {
  if (!text.includes(':')) return PLAIN_IPV4.test(text)
  return PLAIN_IPV6.test(text) && countColons(text) <= (text.endsWith('::') ? 7 : 6)
}

function countColons(text: string): number {
  let count = 0
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) count += 1
  return count
}

/** Returns the canonical text of an address text; "" stays "". */
export function canonicalAddress(text: string): string {
  return text === '' || isPlainAddress(text) ? text : formatAddress(parseAddress(text))
}

/** Returns the canonical text of a prefix text; "" stays "". */
export function canonicalPrefix(text: string): string {
  const slash = text.indexOf('/')
  if (slash > 0 && isPlainAddress(text.slice(0, slash))) {
    const bits = text.slice(slash + 1)
    if (/^(?:[0-9]|[12][0-9]|3[0-2])$/.test(bits) || (bits === '128' && text.includes(':')))
      return text
  }
  return text === '' ? '' : formatPrefix(parsePrefix(text))
}

/** Returns the canonical text of an address-port text; "" stays "". */
export function canonicalAddressPort(text: string): string {
  if (text === '') return ''
  const colon = text.lastIndexOf(':')
  const bracketed = text.startsWith('[') && text.charAt(colon - 1) === ']'
  const plain = bracketed ? text.slice(1, colon - 1) : text.slice(0, Math.max(colon, 0))
  if (
    /^(?:0|[1-9][0-9]{0,3})$/.test(text.slice(colon + 1)) ||
    /^[1-5][0-9]{4}$/.test(text.slice(colon + 1))
  ) {
    if (plain.includes(':') === bracketed && isPlainAddress(plain)) return text
  }
  const { address, port } = parseAddressPort(text)
  const host = formatAddress(address)
  return address.bytes.length === 4 ? `${host}:${port}` : `[${host}]:${port}`
}

/**
 * Parses an address with port: `1.2.3.4:41641` or `[2001:db8::1]:41641`.
 *
 * @throws ProtocolError `value`
 */
export function parseAddressPort(text: string): { address: IpAddress; port: number } {
  const colon = text.lastIndexOf(':')
  const portText = text.slice(colon + 1)
  const bracketed = text.startsWith('[') && text.charAt(colon - 1) === ']'
  const host = bracketed ? text.slice(1, colon - 1) : text.slice(0, Math.max(colon, 0))
  const address = colon < 0 ? undefined : tryAddress(host)
  if (address === undefined || bracketed !== (address.bytes.length === 16)) {
    return fail('address and port', text)
  }
  const port = Number(portText)
  if (!/^[0-9]+$/.test(portText) || port > 65_535) return fail('address and port', text)
  return { address, port }
}
