// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, taking updates from somebody who may want to undo history. What is given is official: who
 * signs what, which sibling wins. On top of that, for members that do not trust who hands out the updates:
 *
 * - One key signs an update once, or its hash could be chosen at will.
 * - A known update by another name is taken only with something that follows it, which needs a key.
 * - Names of equal weight are one update ({@link ChainOptions.joinRenamed}), whatever came first.
 * - Nobody undoes the removal of a key with that key ({@link checkUndoing}).
 *
 * @module
 */

import type { Aum } from './aum.ts'
import { aumHash } from './aum-codec.ts'
import { informAuthority, openAuthority, type Authority } from './authority.ts'
import { draftOn, type DraftAumStore } from './draft-store.ts'
import { TkaError } from './errors.ts'
import { hasRepeatedSignature, isRenamed } from './renamed.ts'
import type { AumStore } from './store.ts'
import { checkUndoing } from './undo-rule.ts'

const guarded = { joinRenamed: true }

/** As {@link openAuthority}, for a store that {@link informGuarded} fills. */
export function openGuarded(store: AumStore): Authority {
  return openAuthority(store, guarded)
}

/**
 * As {@link informAuthority}, for updates from somebody who may want to undo history.
 *
 * @throws TkaError `repeated-signature`, `renamed-update`, `removed-signer`, and as informAuthority; then nothing
 *   is stored
 */
export function informGuarded(
  authority: Authority,
  store: AumStore,
  aums: readonly Aum[],
): Authority {
  if (aums.some(hasRepeatedSignature)) {
    throw new TkaError('repeated-signature', 'Cannot accept update: one key has signed it twice')
  }
  const draft = draftOn(store, () => 0)
  const after = informAuthority(authority, draft, aums, guarded)
  refuseDeadNames(store, draft)
  checkUndoing(authority, after, draft)
  store.commit(draft.added)
  return after
}

/** Names without end could be made of one update that several keys have signed, to fill the disk. */
function refuseDeadNames(store: AumStore, draft: DraftAumStore): void {
  const seen = draftOn(store, () => 0)
  for (const aum of draft.added) {
    if (draft.children(aumHash(aum)).length === 0 && isRenamed(aum, seen)) {
      throw new TkaError(
        'renamed-update',
        'This is a known update with other signatures, and nothing follows it',
      )
    }
    seen.commit([aum])
  }
}
