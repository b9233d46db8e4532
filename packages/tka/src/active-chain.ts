// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, the active chain as an index: from the oldest update to the head by
 * height, with every checkpoint, and now and then the state.
 *
 *     height    0    1    2   ...   64   ...  128  ...
 *     hash      O    a    b          c          d       H
 *     state     *                    *          *
 *
 * Chains are values that share one growing log, as strings share a rope: following new updates
 * appends to the log, and older chains do not see it. Only a chain that branches off copies.
 *
 * @module
 */

import type { AumHash } from './aum.ts'
import { AumKind } from './aum.ts'
import { aumHash } from './aum-codec.ts'
import { applyAum } from './apply.ts'
import { TkaError } from './errors.ts'
import type { State } from './state.ts'
import type { AumStore } from './store.ts'
import type { VerifiedAum } from './verify.ts'

/** A state is kept at every height that this divides, so that any other is this near. */
const STATE_EVERY = 64

/** One update of the chain, and the state after it. */
export interface ChainLink {
  readonly aum: VerifiedAum
  readonly state: State
}

interface Log {
  readonly hashes: AumHash[]
  readonly heights: Map<AumHash, number>
  /** Heights of checkpoints, ascending. */
  readonly checkpoints: number[]
  readonly states: State[]
}

/** An immutable chain of at least one update. */
export class ActiveChain {
  readonly #log: Log
  /** How many updates it has. */
  readonly length: number

  private constructor(log: Log, length: number) {
    this.#log = log
    this.length = length
  }

  /** Returns the chain that has only this update. */
  static of(oldest: ChainLink): ActiveChain {
    const log: Log = { hashes: [], heights: new Map(), checkpoints: [], states: [] }
    return new ActiveChain(log, 0).extend([oldest])
  }

  /** Returns the chain with these links behind the head. */
  extend(links: readonly ChainLink[]): ActiveChain {
    if (links.length === 0) return this
    // Somebody else may have extended the log already, differently: then it is not ours to extend.
    const log = this.#log.hashes.length === this.length ? this.#log : copyOf(this.#log, this.length)
    for (const { aum, state } of links) append(log, aum, state)
    return new ActiveChain(log, this.length + links.length)
  }

  /** Returns the chain of the oldest `length` updates. */
  keepOldest(length: number): ActiveChain {
    return new ActiveChain(this.#log, Math.min(length, this.length))
  }

  /** Hash of the newest update. */
  get head(): AumHash {
    return this.at(this.length - 1)
  }

  /** Hash of the oldest update. */
  get oldest(): AumHash {
    return this.at(0)
  }

  /** Returns the hash at a height from 0 to `length - 1`. */
  at(height: number): AumHash {
    const hash = height < this.length ? this.#log.hashes[height] : undefined
    if (hash === undefined) throw new TkaError('bad-option', `Cannot find update ${height}`)
    return hash
  }

  /** Returns the height of an update, or undefined if it is not on this chain. */
  heightOf(hash: AumHash): number | undefined {
    const height = this.#log.heights.get(hash)
    return height !== undefined && height < this.length ? height : undefined
  }

  /** Returns the height of the newest checkpoint that is not above a height, or undefined. */
  checkpointAtOrBelow(height: number): number | undefined {
    const { checkpoints } = this.#log
    let low = 0
    let high = checkpoints.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((checkpoints[middle] ?? Infinity) <= height) low = middle + 1
      else high = middle
    }
    return checkpoints[low - 1]
  }

  /**
   * Returns the state after the update at a height, in at most 63 applications.
   *
   * @throws TkaError `unknown-update` if the store has lost an update of the chain
   */
  stateAt(height: number, store: AumStore): State {
    const block = Math.floor(height / STATE_EVERY)
    let state = this.#stateOfBlock(block)
    for (let next = block * STATE_EVERY + 1; next <= height; next++) {
      state = applyAum(state, this.#stored(next, store))
    }
    return state
  }

  /** Walks from the head to the oldest update, with each state, in linear time. */
  *backwards(store: AumStore): Generator<ChainLink> {
    for (let block = Math.floor((this.length - 1) / STATE_EVERY); block >= 0; block--) {
      const first = block * STATE_EVERY
      const last = Math.min(first + STATE_EVERY, this.length) - 1
      const links = [{ aum: this.#stored(first, store), state: this.#stateOfBlock(block) }]
      for (let height = first + 1; height <= last; height++) {
        const aum = this.#stored(height, store)
        const before = links.at(-1)?.state ?? this.#stateOfBlock(block)
        links.push({ aum, state: applyAum(before, aum) })
      }
      yield* links.reverse()
    }
  }

  #stateOfBlock(block: number): State {
    const state = this.#log.states[block]
    if (!state || block * STATE_EVERY >= this.length) {
      throw new TkaError('bad-option', `Cannot compute state: the chain has ${this.length} updates`)
    }
    return state
  }

  #stored(height: number, store: AumStore): VerifiedAum {
    const hash = this.at(height)
    const aum = store.get(hash)
    if (!aum) throw new TkaError('unknown-update', `Cannot compute state: update ${hash} is gone`)
    return aum
  }
}

function append(log: Log, aum: VerifiedAum, state: State): void {
  const hash = aumHash(aum)
  const height = log.hashes.length
  log.hashes.push(hash)
  log.heights.set(hash, height)
  if (aum.kind === AumKind.Checkpoint) log.checkpoints.push(height)
  if (height % STATE_EVERY === 0) log.states.push(state)
}

function copyOf(log: Log, length: number): Log {
  const hashes = log.hashes.slice(0, length)
  return {
    hashes,
    heights: new Map(hashes.map((hash, height) => [hash, height])),
    checkpoints: log.checkpoints.filter((height) => height < length),
    states: log.states.slice(0, Math.ceil(length / STATE_EVERY)),
  }
}
