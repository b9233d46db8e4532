// SPDX-License-Identifier: Apache-2.0

/**
 * A set of addresses, made from prefixes. Rules name single addresses most of the time, and whole
 * families next; both are found without walking a list.
 *
 * @module
 */

import { prefixContains, type IpPrefix } from '@signet/protocol'

/** Addresses of 4 and of 16 bytes; the families never match each other. */
export class AddressSet {
  readonly #whole = new Set<number>()
  readonly #hosts = new Set<string>()
  readonly #networks: IpPrefix[] = []

  /** Makes a set of everything in these prefixes. */
  constructor(prefixes: Iterable<IpPrefix> = []) {
    for (const prefix of prefixes) this.#add(prefix)
  }

  #add(prefix: IpPrefix): void {
    const { bytes, bits } = prefix
    if (bits === 0) this.#whole.add(bytes.length)
    else if (bits === bytes.length * 8) this.#hosts.add(keyOf(bytes))
    else this.#networks.push(prefix)
  }

  /** True if the address, 4 or 16 bytes, is in the set. */
  has(address: Uint8Array): boolean {
    return (
      this.#whole.has(address.length) ||
      (this.#hosts.size > 0 && this.#hosts.has(keyOf(address))) ||
      this.#networks.some((network) => prefixContains(network, address))
    )
  }
}

/** A text that two addresses share exactly if they are equal. */
export function keyOf(address: Uint8Array): string {
  return String.fromCharCode(...address)
}
