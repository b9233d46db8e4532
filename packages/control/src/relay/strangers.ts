// SPDX-License-Identifier: Apache-2.0

/**
 * Clients that have not proved their key yet: bounded, in all and from one place.
 *
 * @module
 */

import { parseAddress, ProtocolError } from '@signet/protocol'
import { unmapAddress } from '@signet/derp'
import { toHex } from '@signet/codec'
import { MAX_STRANGERS, MAX_STRANGERS_PER_ADDRESS } from './limits.ts'

/** Counts them. */
export interface Strangers {
  readonly size: number
  /** Takes a place; undefined if there is none. The result gives it back, once. */
  admit(address: Uint8Array): (() => void) | undefined
}

/** Returns a count of nobody. */
export function createStrangers(): Strangers {
  const places = new Map<string, number>()
  let size = 0
  return {
    get size() {
      return size
    },
    admit(address) {
      const place = placeOf(address)
      const there = places.get(place) ?? 0
      // A proxy on this machine stands for everybody.
      const isFull = there >= MAX_STRANGERS_PER_ADDRESS && !isLoopback(address)
      if (size >= MAX_STRANGERS || isFull) return undefined
      places.set(place, there + 1)
      size++
      let isTaken = true
      return () => {
        if (!isTaken) return
        isTaken = false
        size--
        const left = (places.get(place) ?? 1) - 1
        if (left === 0) places.delete(place)
        else places.set(place, left)
      }
    },
  }
}

/** The 16 bytes of an address in text form; all zeros for what is none. */
export function addressBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16)
  const found = tryParse(text)
  if (found?.length === 16) bytes.set(found)
  if (found?.length === 4) bytes.set([0xff, 0xff, ...found], 10)
  return bytes
}

function tryParse(text: string): Uint8Array | undefined {
  try {
    return parseAddress(text).bytes
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** What one subscriber has: an IPv4 address, or an IPv6 network of 64 bits. */
export function placeOf(address: Uint8Array): string {
  const plain = unmapAddress(address)
  return toHex(plain.length === 4 ? plain : plain.subarray(0, 8))
}

/** Whether it is this machine itself. */
export function isLoopback(address: Uint8Array): boolean {
  const plain = unmapAddress(address)
  if (plain.length === 4) return plain[0] === 127
  return plain.every((byte, at) => byte === (at === 15 ? 1 : 0))
}
