// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, the active chain as an index: hashes from the oldest update to the head by
 * height, where its checkpoints are, and a few states that were computed before.
 *
 *     height      0    1    2   ...   50   ...   64  ...  100   101
 *     hash        O    a    b         C1          c        C2    H
 *     state from  O                   C1    (remembered)   C2
 *
 * A state is computed only when somebody asks for it, from the checkpoint or the remembered state
 * that is nearest below.
 *
 * Chains are values that share one growing log, as strings share a rope: following new updates
 * appends to the log, and older chains do not see it. Only a chain that branches off copies.
 *
 * @module
 */

import { applyAum } from './apply.ts'
import type { AumHash } from './aum.ts'
import { TkaError } from './errors.ts'
import type { State } from './state.ts'
import type { AumStore } from './store.ts'
import type { VerifiedAum } from './verify.ts'

/** How many states, at most, are computed on the way to another before one is remembered. */
const REMEMBER_EVERY = 64

/** One update of the chain, and the state after it. */
export interface ChainLink {
  readonly aum: VerifiedAum
  readonly state: State
}

/** What the index has to know of an update. */
export interface ChainStep {
  readonly hash: AumHash
  readonly isCheckpoint: boolean
}

interface Log {
  readonly hashes: AumHash[]
  readonly heights: Map<AumHash, number>
  /** Heights of checkpoints, ascending. */
  readonly checkpoints: number[]
  /** The state at the oldest update, and others at heights that {@link REMEMBER_EVERY} divides. */
  readonly states: Map<number, State>
  /** The state that was computed last, near which the next question often is. */
  latest: { readonly height: number; readonly state: State }
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

  /** Returns the chain that has only this update, after which the state is this. */
  static of(oldest: ChainStep, state: State): ActiveChain {
    const log: Log = {
      hashes: [],
      heights: new Map(),
      checkpoints: [],
      states: new Map([[0, state]]),
      latest: { height: 0, state },
    }
    return new ActiveChain(log, 0).extend([oldest])
  }

  /** Returns the chain with these updates behind the head. */
  extend(steps: readonly ChainStep[]): ActiveChain {
    if (steps.length === 0) return this
    // Somebody else may have extended the log already, differently: then it is not ours to extend.
    const log = this.#log.hashes.length === this.length ? this.#log : copyOf(this.#log, this.length)
    for (const step of steps) append(log, step)
    return new ActiveChain(log, this.length + steps.length)
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
   * Returns the state after the update at a height.
   *
   * @throws TkaError `unknown-update` or `store-damaged` if the store has lost an update of the
   *   chain; what {@link applyAum} throws if it holds what nobody can have verified
   */
  stateAt(height: number, store: AumStore): State {
    let { height: at, state } = this.#nearestBelow(height, store)
    while (at < height) {
      at++
      state = applyAum(state, this.#stored(at, store))
      if (at % REMEMBER_EVERY === 0) this.#log.states.set(at, state)
    }
    this.#log.latest = { height, state }
    return state
  }

  /** Walks from the head to the oldest update, with each state, in linear time. */
  *backwards(store: AumStore): Generator<ChainLink> {
    for (let last = this.length - 1; last >= 0;) {
      const first = last - (last % REMEMBER_EVERY)
      const links = [{ aum: this.#stored(first, store), state: this.stateAt(first, store) }]
      for (let height = first + 1; height <= last; height++) {
        links.push({ aum: this.#stored(height, store), state: this.stateAt(height, store) })
      }
      yield* links.reverse()
      last = first - 1
    }
  }

  /** The nearest height not above this one at which the state is at hand. */
  #nearestBelow(height: number, store: AumStore): { height: number; state: State } {
    const { states, latest } = this.#log
    const checkpoint = this.checkpointAtOrBelow(height) ?? 0
    if (latest.height <= height && latest.height >= checkpoint) return latest
    for (let at = height - (height % REMEMBER_EVERY); at > checkpoint; at -= REMEMBER_EVERY) {
      const state = states.get(at)
      if (state) return { height: at, state }
    }
    const oldest = states.get(0)
    if (checkpoint === 0 && oldest) return { height: 0, state: oldest }
    const aum = this.#stored(checkpoint, store)
    if (!aum.state) throw new TkaError('missing-field', 'Cannot compute state: empty checkpoint')
    return { height: checkpoint, state: { ...aum.state, lastAumHash: this.at(checkpoint) } }
  }

  #stored(height: number, store: AumStore): VerifiedAum {
    const hash = this.at(height)
    const aum = store.get(hash)
    if (!aum) throw new TkaError('unknown-update', `Cannot compute state: update ${hash} is gone`)
    return aum
  }
}

function append(log: Log, { hash, isCheckpoint }: ChainStep): void {
  const height = log.hashes.length
  log.hashes.push(hash)
  log.heights.set(hash, height)
  if (isCheckpoint) log.checkpoints.push(height)
}

function copyOf(log: Log, length: number): Log {
  const hashes = log.hashes.slice(0, length)
  const states = new Map([...log.states].filter(([height]) => height < length))
  const [oldest] = states
  const { latest } = log
  return {
    hashes,
    heights: new Map(hashes.map((hash, height) => [hash, height])),
    checkpoints: log.checkpoints.filter((height) => height < length),
    states,
    latest: latest.height < length || !oldest ? latest : { height: 0, state: oldest[1] },
  }
}
