// SPDX-License-Identifier: Apache-2.0

/**
 * Chance that can be repeated: the same seed gives the same choices.
 *
 * @module
 */

/** A source of choices. */
export interface Random {
  /** A whole number from 0 to below the limit. */
  below(limit: number): number
  /** True once in so many times. */
  oneIn(times: number): boolean
  pick<T>(list: readonly T[]): T
  bytes(length: number): Uint8Array
}

/** Starts a sequence (mulberry32: small, and good enough to choose test cases). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const random: Random = {
    below: (limit) => Math.floor(next() * limit),
    oneIn: (times) => random.below(times) === 0,
    pick(list) {
      const item = list[random.below(list.length)]
      if (item === undefined) throw new Error('Nothing to choose from')
      return item
    },
    bytes: (length) => Uint8Array.from({ length }, () => random.below(256)),
  }
  return random
}
