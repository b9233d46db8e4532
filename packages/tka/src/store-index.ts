// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, storage: the index that every store keeps in memory. Each question of
 * {@link AumStore} is one look-up.
 *
 * @module
 */

import { aumParent, type AumHash } from './aum.ts'
import { aumHash } from './aum-codec.ts'
import type { StoredAum } from './store.ts'
import type { VerifiedAum } from './verify.ts'

const NONE: readonly AumHash[] = []

/** Updates by hash, by parent, and those without children. */
export class StoreIndex {
  readonly #entries = new Map<AumHash, StoredAum>()
  readonly #children = new Map<AumHash, AumHash[]>()
  readonly #heads = new Set<AumHash>()
  /** First commit times of purged updates. */
  readonly #forgotten = new Map<AumHash, number>()
  /** The oldest update of the active chain. */
  lastActiveAncestor: AumHash | undefined

  get(hash: AumHash): VerifiedAum | undefined {
    return this.#entries.get(hash)?.aum
  }

  has(hash: AumHash): boolean {
    return this.#entries.has(hash)
  }

  children(hash: AumHash): readonly AumHash[] {
    return this.#children.get(hash) ?? NONE
  }

  heads(): readonly AumHash[] {
    return [...this.#heads]
  }

  hashes(): Iterable<AumHash> {
    return this.#entries.keys()
  }

  /** All updates, in the order in which they came. */
  entries(): Iterable<readonly [AumHash, StoredAum]> {
    return this.#entries
  }

  /** First commit times of updates that were purged and have not come back. */
  forgotten(): Iterable<readonly [AumHash, number]> {
    return this.#forgotten
  }

  commitTime(hash: AumHash): number | undefined {
    return this.#entries.get(hash)?.commitTime
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

  /** Adds one update that is not there. */
  add(hash: AumHash, entry: StoredAum): void {
    this.#entries.set(hash, entry)
    this.#forgotten.delete(hash)
    if (!this.#children.has(hash)) this.#heads.add(hash)
    const parent = aumParent(entry.aum)
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
    const parent = aumParent(entry.aum)
    if (parent === null) return
    const siblings = (this.#children.get(parent) ?? []).filter((other) => other !== hash)
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
