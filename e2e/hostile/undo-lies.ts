// SPDX-License-Identifier: Apache-2.0

/**
 * Lies that undo the history of a lock: updates that verify, and that official fork choice prefers to those in force.
 *
 *     ... - recovery - e - removal       `recovery` has two signatures; `removal` removes a stolen key
 *
 * @module
 */

import { generateLockKey, lockKeyId, lockPublicOf, type LockSigner } from '@signet/keys'
import {
  aumHash,
  aumHashBytes,
  AumKind,
  cosignAum,
  EMPTY_AUM,
  KeyKind,
  signAum,
  type Aum,
} from '@signet/tka'

/** What the liar has: all updates, as every server; and the stolen key, where a row says so. */
export interface UndoLoot {
  readonly recovery: Aum
  /** What followed it. */
  readonly next: Aum
  readonly removal: Aum
  readonly stolen: LockSigner
}

/** One lie. */
export interface UndoLie {
  readonly name: string
  readonly updates: (loot: UndoLoot) => readonly Aum[]
  /** What the owner of the node is told. */
  readonly warning: RegExp
}

/** The first of ever more that wins a tie over `other`. */
function lower(other: Aum, make: (n: number) => Aum): Aum {
  for (let n = 0; n < 1000; n++) {
    const aum = make(n)
    if (aumHash(aum) < aumHash(other)) return aum
  }
  throw new Error('one of a thousand hashes is lower than another')
}

/** An update in the place of `other`, by the stolen key. */
function sibling({ next, stolen }: UndoLoot, parent: Aum): Aum {
  return lower(next, () => {
    const key = {
      kind: KeyKind.Ed25519,
      votes: 4096n,
      public: lockKeyId(lockPublicOf(generateLockKey())),
      meta: null,
    }
    const draft = {
      ...EMPTY_AUM,
      kind: AumKind.AddKey,
      prev: aumHashBytes(aumHash(parent)),
      key,
    }
    return signAum(draft, [stolen])
  })
}

function repeated(aum: Aum): Aum {
  const signatures = aum.signatures ?? []
  const [first] = signatures
  if (first === undefined) throw new Error('an update in force is signed')
  return lower(aum, (n) => ({
    ...aum,
    signatures: [...signatures, ...Array.from({ length: n + 1 }, () => first)],
  }))
}

function turned(aum: Aum): Aum {
  return { ...aum, signatures: (aum.signatures ?? []).toReversed() }
}

/** Each has to be refused, told once or again after a restart. */
export const undoLies: readonly UndoLie[] = [
  {
    name: 'a known update with a signature repeated',
    updates: ({ next }) => [repeated(next)],
    warning: /signed it twice/,
  },
  {
    name: 'a known update with its signatures turned around',
    updates: ({ recovery }) => [turned(recovery)],
    warning: /known one with other signatures/,
  },
  {
    name: 'a known update with the vote of the removed key added',
    updates: ({ next, stolen }) => [cosignAum(next, stolen)],
    warning: /known one with other signatures/,
  },
  {
    name: 'a sibling of an old update by the removed key',
    updates: (loot) => [sibling(loot, loot.recovery)],
    warning: /a key that has been removed/,
  },
  {
    name: 'a known update turned around, and one by the removed key after it',
    updates: (loot) => {
      const other = turned(loot.recovery)
      return [other, sibling(loot, other)]
    },
    warning: /a key that has been removed/,
  },
]
