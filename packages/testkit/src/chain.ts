// SPDX-License-Identifier: Apache-2.0

/**
 * Chains drawn as text, for tests: the test is the picture.
 *
 *     const net = drawChain(`
 *       G -> a -> b -> c
 *            a -> x
 *     `, { keys: { alice: 1, bob: 2 }, updates: { b: { adds: 'carol' }, x: { by: ['bob'] } } })
 *
 * G is a checkpoint that trusts alice and bob, with 1 and 2 votes. Every other update is a no-op
 * signed by the first key, unless `updates` says otherwise. Keys come from their names, so every
 * drawing always has the same bytes.
 *
 * @module
 */

import { concatBytes, encodeUtf8 } from '@signet/codec'
import { blake2s256, ed25519PublicKey, ed25519Sign } from '@signet/crypto'
import {
  aumHash,
  aumHashBytes,
  AumKind,
  createMemoryStore,
  EMPTY_AUM,
  EMPTY_STATE,
  KeyKind,
  openAuthority,
  previewAum,
  signAum,
  trustStoredAum,
  type Aum,
  type AumHash,
  type AumStore,
  type Authority,
  type Key,
  type LockSigner,
  type State,
  type VerifiedAum,
} from '@signet/tka'

/** What an update does, if not nothing. At most one of the first six. */
export interface DrawnUpdate {
  /** Adds the key of this name. */
  readonly adds?: string
  /** Removes it. */
  readonly removes?: string
  /** Changes its votes to `votes`. */
  readonly revotes?: string
  /** Is a checkpoint of the state there. */
  readonly checkpoint?: boolean
  /** Is a checkpoint of the state there, changed. */
  readonly resets?: (state: State) => State
  /** Any fields of an update; `kind` and so on. */
  readonly fields?: Partial<Aum>
  /** Votes of the key; 1 if absent. */
  readonly votes?: number
  /** Names of the keys that sign; the first key of the drawing if absent, nobody if empty. */
  readonly by?: readonly string[]
}

/** What a picture does not show. */
export interface DrawingOptions {
  /** Trusted from the start, with their votes. One key, alice, if absent. */
  readonly keys?: Readonly<Record<string, number>>
  readonly updates?: Readonly<Record<string, DrawnUpdate>>
  /** Nobody signs: for long chains that nothing verifies. */
  readonly isUnsigned?: boolean
  /** Names of no-ops by ascending hash, for tests of the last tie. */
  readonly hashOrder?: readonly string[]
}

/** A drawing made real. */
export interface DrawnChain {
  aum(name: string): VerifiedAum
  hash(name: string): AumHash
  /** Returns these updates, or all. */
  aums(...names: readonly string[]): VerifiedAum[]
  /** Returns the name of an update. */
  name(hash: AumHash): string
  /** Returns the names of updates, in their order. */
  names(aums: Iterable<Aum | AumHash>): string[]
  /** Returns the state after an update. */
  state(name: string): State
  /** Returns a store with these updates, or all, committed at time 0. */
  store(...names: readonly string[]): AumStore
  /** Returns the authority of a store with these updates, or all, and the store. */
  open(...names: readonly string[]): { readonly authority: Authority; readonly store: AumStore }
}

const signers = new Map<string, LockSigner>()

/** Returns the signer of the key with this name. */
export function signerOf(name: string): LockSigner {
  const known = signers.get(name)
  if (known) return known
  const seed = blake2s256(encodeUtf8(`lock key of ${name}`))
  const keyId = ed25519PublicKey(seed)
  const signer: LockSigner = { keyId, sign: (digest) => ed25519Sign(seed, digest) }
  signers.set(name, signer)
  return signer
}

/** Returns the trusted key with this name. */
export function keyOf(name: string, votes = 1): Key {
  const { keyId } = signerOf(name)
  return { kind: KeyKind.Ed25519, votes: BigInt(votes), public: keyId, meta: null }
}

/** Returns a state that trusts these keys, with the votes given. */
export function stateOf(keys: Readonly<Record<string, number>>, stateId = 1n): State {
  return {
    ...EMPTY_STATE,
    disablementValues: [blake2s256(encodeUtf8('disablement'))],
    keys: Object.entries(keys).map(([name, votes]) => keyOf(name, votes)),
    stateId1: stateId,
    stateId2: stateId + 1n,
  }
}

/**
 * Makes the updates of a picture. A line is names joined by `->`; a name that was there before is
 * where the line branches off; `n1..n9` stands for nine updates in a row. Each first name of a line
 * that was not there before is a checkpoint that begins a chain of its own.
 */
export function drawChain(picture: string, options: DrawingOptions = {}): DrawnChain {
  const drawing = new Drawing(options)
  for (const line of picture.split('\n')) {
    const names = line.split('->').flatMap((part) => expand(part.trim()))
    let before: string | undefined
    for (const name of names) {
      if (!drawing.has(name)) drawing.add(name, before)
      else if (before !== undefined && drawing.parentOf(name) !== before) {
        throw new Error(`Cannot draw: ${name} has two parents`)
      }
      before = name
    }
  }
  return drawing.finish()
}

function expand(part: string): string[] {
  if (part === '') return []
  const range = /^([a-z]+)(\d+)\.\.\1(\d+)$/i.exec(part)
  if (!range) return [part]
  const [, stem, first, last] = range
  const count = Number(last) - Number(first) + 1
  return Array.from({ length: count }, (_, i) => `${stem}${Number(first) + i}`)
}

interface Drawn {
  readonly aum: VerifiedAum
  readonly state: State
  readonly parent: string | undefined
}

class Drawing {
  readonly #options: DrawingOptions
  readonly #keys: Readonly<Record<string, number>>
  readonly #drawn = new Map<string, Drawn>()
  #chains = 0n

  constructor(options: DrawingOptions) {
    this.#options = options
    this.#keys = options.keys ?? { alice: 1 }
  }

  has(name: string): boolean {
    return this.#drawn.has(name)
  }

  parentOf(name: string): string | undefined {
    return this.#want(name).parent
  }

  add(name: string, parent: string | undefined): void {
    if (parent === undefined) this.#begin(name)
    else this.#follow(name, parent)
  }

  #begin(name: string): void {
    const state = stateOf(this.#keys, 1n + 2n * this.#chains++)
    const aum = this.#sign(name, { ...EMPTY_AUM, kind: AumKind.Checkpoint, state })
    this.#drawn.set(name, { aum, state: previewAum(state, aum), parent: undefined })
  }

  #follow(name: string, parent: string): void {
    const before = this.#want(parent)
    const order = this.#options.hashOrder ?? []
    const drawnBefore = order.slice(0, Math.max(0, order.indexOf(name)))
    const drawnAfter = order.includes(name) ? order.slice(order.indexOf(name) + 1) : []
    for (let salt = 0; ; salt++) {
      const fields = this.#fieldsOf(name, before.state, salt)
      const prev = aumHashBytes(aumHash(before.aum))
      const aum = this.#sign(name, { ...EMPTY_AUM, ...fields, prev })
      const isAbove = drawnBefore.every(
        (other) => !this.has(other) || this.#hash(other) < aumHash(aum),
      )
      const isBelow = drawnAfter.every(
        (other) => !this.has(other) || aumHash(aum) < this.#hash(other),
      )
      if (!isAbove || !isBelow) continue
      this.#drawn.set(name, { aum, state: previewAum(before.state, aum), parent })
      return
    }
  }

  #fieldsOf(name: string, state: State, salt: number): Partial<Aum> {
    const drawn = this.#options.updates?.[name] ?? {}
    const { adds, removes, revotes, votes = 1 } = drawn
    const checkpoint = { ...state, lastAumHash: null }
    if (adds !== undefined) return { kind: AumKind.AddKey, key: keyOf(adds, votes) }
    if (removes !== undefined) return { kind: AumKind.RemoveKey, keyId: signerOf(removes).keyId }
    if (revotes !== undefined) {
      const { keyId } = signerOf(revotes)
      return { kind: AumKind.UpdateKey, keyId, votes: BigInt(votes) }
    }
    if (drawn.resets) return { kind: AumKind.Checkpoint, state: drawn.resets(checkpoint) }
    if (drawn.checkpoint) return { kind: AumKind.Checkpoint, state: checkpoint }
    // A no-op does not look at its key id, so its name goes there: no two updates are the same.
    const id = concatBytes(encodeUtf8(name), Uint8Array.of(0, salt >> 8, salt & 255))
    return { kind: AumKind.NoOp, keyId: id, ...drawn.fields }
  }

  #sign(name: string, aum: Aum): VerifiedAum {
    const signedByDefault = this.#options.isUnsigned ? [] : Object.keys(this.#keys).slice(0, 1)
    const by = this.#options.updates?.[name]?.by ?? signedByDefault
    return trustStoredAum(signAum(aum, by.map(signerOf)))
  }

  #want(name: string): Drawn {
    const drawn = this.#drawn.get(name)
    if (!drawn) throw new Error(`Cannot find ${name} in the drawing`)
    return drawn
  }

  #hash(name: string): AumHash {
    return aumHash(this.#want(name).aum)
  }

  finish(): DrawnChain {
    const names = new Map([...this.#drawn].map(([name, { aum }]) => [aumHash(aum), name]))
    const nameOf = (hash: AumHash): string => names.get(hash) ?? hash
    const aums = (...wanted: readonly string[]): VerifiedAum[] =>
      (wanted.length > 0 ? wanted : [...this.#drawn.keys()]).map((name) => this.#want(name).aum)
    const store = (...wanted: readonly string[]): AumStore => {
      const entries = aums(...wanted.flatMap(expand)).map((aum) => ({ aum, commitTime: 0 }))
      return createMemoryStore({ now: () => 0, entries })
    }
    return {
      aum: (name) => this.#want(name).aum,
      hash: (name) => this.#hash(name),
      aums: (...wanted) => aums(...wanted.flatMap(expand)),
      name: nameOf,
      names: (list) =>
        Array.from(list, (one) => nameOf(typeof one === 'string' ? one : aumHash(one))),
      state: (name) => this.#want(name).state,
      store,
      open(...wanted) {
        const opened = store(...wanted)
        return { authority: openAuthority(opened), store: opened }
      },
    }
  }
}
