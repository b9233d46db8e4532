// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, storage: the index that every store keeps in memory. Each question of
 * {@link AumStore} is one look-up.
 *
 * @module
 */

import { aumParent, type AumHash, type AumLink } from './aum.ts'
import { aumHash, decodeAum } from './aum-codec.ts'
import { TkaError } from './errors.ts'
import type { AumStore, StoredAum } from './store.ts'
import { trustStoredAum, type VerifiedAum } from './verify.ts'

/** An update as the index has it: perhaps only its canonical bytes, decoded when asked for. */
export interface IndexEntry extends AumLink {
  readonly commitTime: number
  content: VerifiedAum | Uint8Array
}

const NONE: readonly AumHash[] = []

/** Updates by hash, by parent, and those without children. */
export class StoreIndex {
  readonly #entries = new Map<AumHash, IndexEntry>()
  readonly #children = new Map<AumHash, AumHash[]>()
  readonly #heads = new Set<AumHash>()
  /** First commit times of purged updates. */
  readonly #forgotten = new Map<AumHash, number>()
  /** The oldest update of the active chain. */
  lastActiveAncestor: AumHash | undefined

  /** The reading half of a store. */
  reader(): Omit<AumStore, 'commit' | 'purge' | 'setLastActiveAncestor'> {
    return {
      get: (hash) => this.get(hash),
      link: (hash) => this.#entries.get(hash),
      has: (hash) => this.has(hash),
      children: (hash) => this.#children.get(hash) ?? NONE,
      heads: () => [...this.#heads],
      hashes: () => this.#entries.keys(),
      commitTime: (hash) => this.#entries.get(hash)?.commitTime,
      lastActiveAncestor: () => this.lastActiveAncestor,
    }
  }

  get(hash: AumHash): VerifiedAum | undefined {
    const entry = this.#entries.get(hash)
    if (entry?.content instanceof Uint8Array) entry.content = decodeStored(entry.content, hash)
    return entry?.content
  }

  /** Returns an update with its commit time. */
  stored(hash: AumHash): StoredAum | undefined {
    const aum = this.get(hash)
    const commitTime = this.#entries.get(hash)?.commitTime
    return aum && commitTime !== undefined ? { aum, commitTime } : undefined
  }

  has(hash: AumHash): boolean {
    return this.#entries.has(hash)
  }

  /** All updates, in the order in which they came. */
  entries(): Iterable<readonly [AumHash, IndexEntry]> {
    return this.#entries
  }

  /** First commit times of updates that were purged and have not come back. */
  forgotten(): Iterable<readonly [AumHash, number]> {
    return this.#forgotten
  }

  /** Returns those that are not there yet, each once, with the commit time that each will have. */
  newcomers(aums: readonly VerifiedAum[], now: number): Map<AumHash, StoredAum> {
    const out = new Map<AumHash, StoredAum>()
    for (const aum of aums) {
      const hash = aumHash(aum)
      if (this.#entries.has(hash)) continue
      out.set(hash, { aum, commitTime: this.#forgotten.get(hash) ?? now })
    }
    return out
  }

  /** Adds one update, unless it is there. */
  add(hash: AumHash, entry: IndexEntry): void {
    if (this.#entries.has(hash)) return
    this.#entries.set(hash, entry)
    this.#forgotten.delete(hash)
    if (!this.#children.has(hash)) this.#heads.add(hash)
    const { parent } = entry
    if (parent === null) return
    const siblings = this.#children.get(parent)
    if (siblings) siblings.push(hash)
    else this.#children.set(parent, [hash])
    this.#heads.delete(parent)
  }

  /** Forgets one update if it is there, but not when it was committed. */
  remove(hash: AumHash): void {
    const entry = this.#entries.get(hash)
    if (!entry) return
    this.#entries.delete(hash)
    this.#heads.delete(hash)
    this.#forgotten.set(hash, entry.commitTime)
    const { parent } = entry
    if (parent === null) return
    const siblings = (this.#children.get(parent) ?? NONE).filter((other) => other !== hash)
    if (siblings.length > 0) {
      this.#children.set(parent, siblings)
      return
    }
    this.#children.delete(parent)
    if (this.#entries.has(parent)) this.#heads.add(parent)
  }

  /** Remembers when an update that is not there was first committed. */
  remember(hash: AumHash, commitTime: number): void {
    this.#forgotten.set(hash, commitTime)
  }
}

/** Returns the entry of an update that is at hand. */
export function indexEntry({ aum, commitTime }: StoredAum): IndexEntry {
  return { kind: aum.kind, parent: aumParent(aum), commitTime, content: aum }
}

function decodeStored(bytes: Uint8Array, hash: AumHash): VerifiedAum {
  try {
    return trustStoredAum(decodeAum(bytes, hash))
  } catch (cause) {
    throw new TkaError('store-damaged', `Cannot read stored update ${hash}`, { cause })
  }
}
