// SPDX-License-Identifier: Apache-2.0

/**
 * The texts by which rules name addresses: `*`, one address, a prefix, a range `a-b`, or the
 * capability of a peer, `cap:NAME`.
 *
 * @module
 */

import { parseAddress, parsePrefix, ProtocolError, type IpPrefix } from '@signet/protocol'

/** What one text stands for. */
export type IpSet =
  | { readonly prefixes: readonly IpPrefix[] }
  /** Whoever has this capability. */
  | { readonly capability: string }

const EVERYTHING: readonly IpPrefix[] = [
  { bytes: new Uint8Array(4), bits: 0 },
  { bytes: new Uint8Array(16), bits: 0 },
]

/** Returns what the text stands for, or null if it is none of the forms. */
export function parseIpSet(text: string): IpSet | null {
  if (text === '*') return { prefixes: EVERYTHING }
  if (text.startsWith('cap:')) return { capability: text.slice('cap:'.length) }
  try {
    if (text.includes('/')) return onePrefix(parsePrefix(text))
    const [first = '', last, more] = text.split('-')
    if (last !== undefined && more === undefined) return range(first, last)
    const { bytes } = parseAddress(text)
    return { prefixes: [{ bytes, bits: bytes.length * 8 }] }
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

/** A prefix in a rule has no bits beyond its length: which addresses are meant would be a guess. */
function onePrefix(prefix: IpPrefix): IpSet | null {
  const masked = prefix.bytes.every((byte, i) => (byte & ~maskAt(prefix.bits, i) & 0xff) === 0)
  return masked ? { prefixes: [prefix] } : null
}

function maskAt(bits: number, index: number): number {
  const ones = Math.min(8, Math.max(0, bits - index * 8))
  return (0xff << (8 - ones)) & 0xff
}

function range(firstText: string, lastText: string): IpSet | null {
  const first = parseAddress(firstText)
  const last = parseAddress(lastText)
  if (first.bytes.length !== last.bytes.length || first.zone !== last.zone) return null
  const length = first.bytes.length
  const prefixes: IpPrefix[] = []
  const end = toNumber(last.bytes)
  let at = toNumber(first.bytes)
  if (at > end) return null
  // The largest aligned block that begins here and does not reach past the end, until nothing is left.
  while (at <= end) {
    let free = 0
    while (free < length * 8 && isBlock(at, end, BigInt(free + 1))) free += 1
    prefixes.push({ bytes: toBytes(at, length), bits: length * 8 - free })
    at += 1n << BigInt(free)
  }
  return { prefixes }
}

function isBlock(start: bigint, end: bigint, size: bigint): boolean {
  const rest = (1n << size) - 1n
  return (start & rest) === 0n && (start | rest) <= end
}

function toNumber(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

function toBytes(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = length - 1; i >= 0; i--, value >>= 8n) bytes[i] = Number(value & 0xffn)
  return bytes
}
