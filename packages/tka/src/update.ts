// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, making updates. A builder collects changes from one head on, each as a
 * signed update, and ends with a checkpoint when the last one is far enough back.
 *
 * @module
 */

import { toHex } from '@signet/codec'
import { previewAum } from './apply.ts'
import { aumHashBytes, AumKind, aumParent, EMPTY_AUM, type Aum } from './aum.ts'
import { aumHash } from './aum-codec.ts'
import type { Authority } from './authority.ts'
import { TkaError } from './errors.ts'
import { keyId, type Key } from './key.ts'
import { CHECKPOINT_EVERY, MAX_KEYS } from './limits.ts'
import { signAum, type LockSigner } from './sign.ts'
import { hasKey, type State } from './state.ts'
import { validateAum } from './validate.ts'

/** Collects changes to an authority. A change that throws leaves the builder as it was. */
export interface UpdateBuilder {
  /**
   * Trusts a key.
   *
   * @throws TkaError `key-exists`, `too-many-keys`, and what `validateKey` throws
   */
  addKey(key: Key): void
  /**
   * Ends trust in a key. Removing the last one is refused only when the update is verified.
   *
   * @throws TkaError `unknown-key`
   */
  removeKey(id: Uint8Array): void
  /**
   * Changes the votes of a key.
   *
   * @throws TkaError `unknown-key`, `bad-votes`
   */
  setKeyVotes(id: Uint8Array, votes: bigint): void
  /**
   * Replaces the metadata of a key. Empty metadata is written like none, so that clearing it does
   * not outlive a restart of official software, or of ours: a flaw of the format.
   *
   * @throws TkaError `unknown-key`, `missing-field` for null, `meta-too-big`
   */
  setKeyMeta(id: Uint8Array, meta: ReadonlyMap<string, string> | null): void
  /**
   * Returns the updates, oldest first, a checkpoint last if one is due.
   *
   * @param current the authority now, which must not have moved since the builder was made
   * @throws TkaError `head-moved`, `bad-state` if a checkpoint is due and cannot be made
   */
  finish(current?: Authority): Aum[]
}

/** Creates a builder of updates that follow the authority's head. */
export function createUpdateBuilder(
  authority: Authority,
  signers: readonly LockSigner[],
): UpdateBuilder {
  let state = authority.state
  let parent = authority.head
  const made: Aum[] = []

  function make(parts: Partial<Aum> & Pick<Aum, 'kind'>): void {
    const draft: Aum = { ...EMPTY_AUM, ...parts, prev: aumHashBytes(parent) }
    // Nobody is asked to sign what would be refused.
    validateAum(draft)
    previewAum(state, draft)
    const aum = signAum(draft, signers)
    state = previewAum(state, aum)
    parent = aumHash(aum)
    made.push(aum)
  }

  return {
    addKey(key) {
      if ((state.keys?.length ?? 0) >= MAX_KEYS && !hasKey(state, keyId(key))) {
        const shown = toHex(keyId(key))
        throw new TkaError('too-many-keys', `Cannot add key ${shown}: there are ${MAX_KEYS}`)
      }
      make({ kind: AumKind.AddKey, key })
    },
    removeKey(id) {
      make({ kind: AumKind.RemoveKey, keyId: id })
    },
    setKeyVotes(id, votes) {
      make({ kind: AumKind.UpdateKey, keyId: id, votes })
    },
    setKeyMeta(id, meta) {
      make({ kind: AumKind.UpdateKey, keyId: id, meta })
    },
    finish(current = authority) {
      const [first] = made
      if (first && aumParent(first) !== current.head) throw headMoved(authority, current)
      if (isCheckpointDue(current, made.length)) {
        if (!first && current.head !== authority.head) throw headMoved(authority, current)
        make({ kind: AumKind.Checkpoint, state: checkpointOf(state) })
      }
      return [...made]
    },
  }
}

/**
 * Says whether a checkpoint has to follow `added` updates on top of the head: if none is among the
 * newest 50, those included, and the chain is that long.
 */
function isCheckpointDue({ chain }: Authority, added: number): boolean {
  const lowest = chain.length - (CHECKPOINT_EVERY - added)
  const checkpoint = chain.checkpointAtOrBelow(chain.length - 1)
  return lowest > 0 && (checkpoint === undefined || checkpoint < lowest)
}

function checkpointOf(state: State): State {
  return { ...state, lastAumHash: null }
}

function headMoved(before: Authority, now: Authority): TkaError {
  return new TkaError(
    'head-moved',
    `Cannot finish updates: they follow ${before.head}, but the head is ${now.head}`,
  )
}
