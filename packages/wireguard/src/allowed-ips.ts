// SPDX-License-Identifier: Apache-2.0

/**
 * Cryptokey routing: which peer owns an inner address. WireGuard paper, section 2.
 *
 * One table answers both questions: where a packet goes (its destination's owner) and whether a
 * decrypted packet may come from the peer that sealed it (its source's owner must be that peer).
 * Nearly all entries are single addresses, so there is one map per prefix length, longest first.
 *
 * @module
 */

import type { IpPrefix } from './ip.ts'

interface Level<K, T> {
  readonly bits: number
  readonly owners: Map<K, T>
}

/** Owners of address blocks; the longest block that contains an address decides. */
export class AllowedIps<T> {
  readonly #v4: Level<number, T>[] = []
  readonly #v6: Level<string, T>[] = []

  /**
   * Gives a block to an owner. A block that has an owner already keeps it, and false is returned:
   * a peer that comes later in the list cannot take the address of an earlier one.
   */
  add(prefix: IpPrefix, owner: T): boolean {
    const { address, bits } = prefix
    if (address.length === 4) return addTo(this.#v4, bits, maskedV4(address, 0, bits), owner)
    return addTo(this.#v6, bits, maskedV6(address, 0, bits), owner)
  }

  /** Returns the owner of an address of 4 or 16 bytes. */
  lookup(address: Uint8Array): T | undefined {
    return address.length === 4 ? this.#lookupV4(address, 0) : this.#lookupV6(address, 0)
  }

  /** Returns the owner of a packet's source address. */
  ownerOfSource(packet: Uint8Array): T | undefined {
    return this.#lookupInPacket(packet, 12, 8)
  }

  /** Returns the owner of a packet's destination address. */
  ownerOfDestination(packet: Uint8Array): T | undefined {
    return this.#lookupInPacket(packet, 16, 24)
  }

  #lookupInPacket(packet: Uint8Array, offsetV4: number, offsetV6: number): T | undefined {
    const version = (packet[0] ?? 0) >>> 4
    if (version === 4 && packet.length >= 20) return this.#lookupV4(packet, offsetV4)
    if (version === 6 && packet.length >= 40) return this.#lookupV6(packet, offsetV6)
    return undefined
  }

  #lookupV4(bytes: Uint8Array, offset: number): T | undefined {
    for (const { bits, owners } of this.#v4) {
      const owner = owners.get(maskedV4(bytes, offset, bits))
      if (owner !== undefined) return owner
    }
    return undefined
  }

  #lookupV6(bytes: Uint8Array, offset: number): T | undefined {
    for (const { bits, owners } of this.#v6) {
      const owner = owners.get(maskedV6(bytes, offset, bits))
      if (owner !== undefined) return owner
    }
    return undefined
  }
}

function addTo<K, T>(levels: Level<K, T>[], bits: number, key: K, owner: T): boolean {
  let level = levels.find((candidate) => candidate.bits === bits)
  if (level === undefined) {
    level = { bits, owners: new Map() }
    levels.push(level)
    levels.sort((a, b) => b.bits - a.bits)
  }
  if (level.owners.has(key)) return false
  level.owners.set(key, owner)
  return true
}

function maskedV4(bytes: Uint8Array, offset: number, bits: number): number {
  const address =
    ((bytes[offset] ?? 0) << 24) |
    ((bytes[offset + 1] ?? 0) << 16) |
    ((bytes[offset + 2] ?? 0) << 8) |
    (bytes[offset + 3] ?? 0)
  return bits === 0 ? 0 : (address & (-1 << (32 - bits))) >>> 0
}

/** A key that a map compares quickly: eight 16-bit groups as one string. */
function maskedV6(bytes: Uint8Array, offset: number, bits: number): string {
  return String.fromCharCode(
    group(bytes, offset, bits),
    group(bytes, offset + 2, bits - 16),
    group(bytes, offset + 4, bits - 32),
    group(bytes, offset + 6, bits - 48),
    group(bytes, offset + 8, bits - 64),
    group(bytes, offset + 10, bits - 80),
    group(bytes, offset + 12, bits - 96),
    group(bytes, offset + 14, bits - 112),
  )
}

function group(bytes: Uint8Array, offset: number, bits: number): number {
  if (bits <= 0) return 0
  const value = ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0)
  return bits >= 16 ? value : value & (0xffff << (16 - bits))
}
