// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, storage: a view of stored updates with some more on top. The authority is computed
 * as if they were stored, and nothing is until its caller has looked at what would become of it.
 *
 * @module
 */

import { aumParent, type AumHash } from './aum.ts'
import { aumHash } from './aum-codec.ts'
import type { AumStore } from './store.ts'
import type { VerifiedAum } from './verify.ts'

/** A store that collects what is committed to it. */
export interface DraftAumStore extends AumStore {
  /** What was committed, in order. */
  readonly added: readonly VerifiedAum[]
}

/** Makes a view on `base`. What is added has the time `now` for its first commit. */
export function draftOn(base: AumStore, now: () => number): DraftAumStore {
  const added = new Map<AumHash, VerifiedAum>()
  const children = new Map<AumHash, AumHash[]>()
  const refuse = (): never => {
    throw new TypeError('A draft of updates can only grow')
  }
  return {
    get added() {
      return [...added.values()]
    },
    get: (hash) => added.get(hash) ?? base.get(hash),
    link(hash) {
      const aum = added.get(hash)
      return aum === undefined ? base.link(hash) : { kind: aum.kind, parent: aumParent(aum) }
    },
    has: (hash) => added.has(hash) || base.has(hash),
    children(hash) {
      const more = children.get(hash)
      return more === undefined ? base.children(hash) : [...base.children(hash), ...more]
    },
    heads() {
      const all = [...base.heads(), ...added.keys()]
      return all.filter((hash) => !children.has(hash))
    },
    *hashes() {
      yield* base.hashes()
      yield* added.keys()
    },
    commit(aums) {
      for (const aum of aums) {
        const hash = aumHash(aum)
        if (added.has(hash) || base.has(hash)) continue
        added.set(hash, aum)
        const parent = aumParent(aum)
        if (parent === null) continue
        const siblings = children.get(parent)
        if (siblings === undefined) children.set(parent, [hash])
        else siblings.push(hash)
      }
    },
    commitTime: (hash) => (added.has(hash) ? now() : base.commitTime(hash)),
    purge: refuse,
    lastActiveAncestor: () => base.lastActiveAncestor(),
    setLastActiveAncestor: refuse,
  }
}
