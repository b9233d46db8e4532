// SPDX-License-Identifier: Apache-2.0

/**
 * A history that is worth undoing: a recovery with two signatures, an update, the removal of a stolen key.
 *
 * @module
 */

import { join } from 'node:path'
import { generateLockKey, lockSigner, type LockSigner } from '@signet/keys'
import {
  aumHash,
  decodeAum,
  encodeAum,
  KeyKind,
  type Aum,
  type AumHash,
  type Key,
} from '@signet/tka'
import { diskFiles } from '../../packages/node/src/durable-file.ts'
import { openFileStore } from '../../packages/node/src/lock/file-store.ts'
import { persistedHead, type LyingTailnet, type Victim } from '../support/lying-tailnet.ts'
import type { UndoLoot } from './undo-lies.ts'

/** Makes it, by the first two nodes, whose keys are trusted. Resolves when all of them have it. */
export async function makeUndoHistory(
  tailnet: LyingTailnet,
  all: readonly [Victim, Victim, ...Victim[]],
): Promise<UndoLoot> {
  const [a, b] = all
  const last = (): Aum => {
    const store = openFileStore(diskFiles, join(a.dir, 'lock'), () => 0)
    const found = store.get(persistedHead(a) as AumHash)
    if (found === undefined) throw new Error('The head is stored')
    return found
  }
  const change = async (made: () => Promise<unknown>): Promise<Aum> => {
    await made()
    await tailnet.honest(all)
    return last()
  }
  await tailnet.honest(all)
  const stolen = lockSigner(generateLockKey())
  const mistaken = lockSigner(generateLockKey())
  await change(() => a.node.lock.modify([keyOf(stolen)], []))
  await change(() => a.node.lock.modify([keyOf(mistaken)], []))
  // Of the two orders in which it can be signed, the one that loses to the other.
  const signedBy = (first: Victim, second: Victim): Aum => {
    const draft = first.node.lock.recovery.generate([mistaken.keyId], null)
    return decodeAum(second.node.lock.recovery.cosign(draft))
  }
  const [one, two] = [signedBy(a, b), signedBy(b, a)]
  const recovery = aumHash(one) < aumHash(two) ? two : one
  const inForce = await change(() => a.node.lock.recovery.submit(encodeAum(recovery)))
  if (aumHash(inForce) !== aumHash(recovery)) throw new Error('The recovery is in force')
  const fresh = keyOf(lockSigner(generateLockKey()))
  const next = await change(() => a.node.lock.modify([fresh], []))
  const removal = await change(() => a.node.lock.modify([], [keyOf(stolen)]))
  return { recovery, next, removal, stolen }
}

function keyOf({ keyId }: LockSigner): Key {
  return { kind: KeyKind.Ed25519, votes: 1n, public: keyId, meta: null }
}
