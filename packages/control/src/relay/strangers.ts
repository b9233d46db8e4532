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
  /**
   * Takes a place; undefined if those of the address are taken. The result gives it back, once. When there is none left
   * in all, the oldest of the most crowded address is turned away: real clients say who they are at once.
   */
  admit(address: Uint8Array, turnAway?: () => void): (() => void) | undefined
}

/** Returns a count of nobody. */
export function createStrangers(): Strangers {
  /** Oldest first. */
  const places = new Map<string, Set<() => void>>()
  let size = 0
  const makeRoom = (): void => {
    const crowd = [...places.values()].reduce((a, b) => (b.size > a.size ? b : a))
    const [oldest] = crowd
    oldest?.()
  }
  return {
    get size() {
      return size
    },
    admit(address, turnAway = () => {}) {
      const place = placeOf(address)
      // A proxy on this machine stands for everybody.
      const isFull = (places.get(place)?.size ?? 0) >= MAX_STRANGERS_PER_ADDRESS
      if (isFull && !isLoopback(address)) return undefined
      if (size >= MAX_STRANGERS) makeRoom()
      const there = places.get(place) ?? new Set()
      places.set(place, there)
      const leave = (): void => {
        if (!there.delete(goAway)) return
        size--
        if (there.size === 0) places.delete(place)
      }
      const goAway = (): void => {
        leave()
        turnAway()
      }
      there.add(goAway)
      size++
      return leave
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
