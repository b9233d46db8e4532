// SPDX-License-Identifier: Apache-2.0

/**
 * Arithmetic of network prefixes.
 *
 * @module
 */

import { formatPrefix, parseAddress, parsePrefix, ProtocolError } from '@signet/protocol'
import type { IpPrefix } from '@signet/protocol'

/** Reads an address or a prefix without host bits; null for anything else. */
export function readPrefix(text: string): IpPrefix | null {
  try {
    if (!text.includes('/')) {
      const { bytes, zone } = parseAddress(text)
      return zone === '' ? { bytes, bits: bytes.length * 8 } : null
    }
    const prefix = parsePrefix(text)
    return isClean(prefix) ? prefix : null
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

/** What two prefixes share: the narrower of them, or null when they are apart. */
export function intersection(a: IpPrefix, b: IpPrefix): IpPrefix | null {
  if (a.bytes.length !== b.bytes.length) return null
  const [wide, narrow] = a.bits <= b.bits ? [a, b] : [b, a]
  return startsAlike(wide.bytes, narrow.bytes, wide.bits) ? narrow : null
}

/** Whether `outer` holds all of `inner`. */
export function contains(outer: IpPrefix, inner: IpPrefix): boolean {
  return intersection(outer, inner) !== null && outer.bits <= inner.bits
}

/** A prefix as filters write it: a single address stands alone. */
export function prefixText(prefix: IpPrefix): string {
  const text = formatPrefix(prefix)
  return prefix.bits === prefix.bytes.length * 8 ? text.slice(0, text.indexOf('/')) : text
}

/** The prefixes that make up `whole` without `holes`. */
export function without(whole: IpPrefix, holes: readonly IpPrefix[]): readonly IpPrefix[] {
  if (holes.some((hole) => contains(hole, whole))) return []
  if (!holes.some((hole) => intersection(whole, hole) !== null)) return [whole]
  const bits = whole.bits + 1
  const upper = Uint8Array.from(whole.bytes)
  const index = whole.bits >> 3
  upper[index] = (upper[index] ?? 0) | (0x80 >> (whole.bits & 7))
  return [
    ...without({ bytes: whole.bytes, bits }, holes),
    ...without({ bytes: upper, bits }, holes),
  ]
}

function isClean({ bytes, bits }: IpPrefix): boolean {
  return bytes.every((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - 8 * index))
    return (byte & (0xff >> kept)) === 0
  })
}

function startsAlike(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  return a.every((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - 8 * index))
    return ((byte ^ (b[index] ?? 0)) & (0xff00 >> kept) & 0xff) === 0
  })
}
