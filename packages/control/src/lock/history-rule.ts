// SPDX-License-Identifier: Apache-2.0

/**
 * What would undo history is not handed out: official clients follow it. The rules are those of our nodes, and one
 * more: no other name of a known update at all, or official clients would choose it for its hash.
 *
 * @module
 */

import { checkUndoing, isRenamed, TkaError } from '@signet/tka'
import type { Authority, DraftAumStore } from '@signet/tka'
import { ControlError } from '../errors.ts'

/** Applies the rules to what new updates in `draft` make of an authority. @throws ControlError 'forbidden' */
export function checkHistory(before: Authority, after: Authority, draft: DraftAumStore): void {
  if (draft.added.some((aum) => isRenamed(aum, draft))) {
    throw new ControlError(
      'forbidden',
      'This server has this update already, with the same or more signatures',
    )
  }
  try {
    checkUndoing(before, after, draft)
  } catch (cause) {
    if (!(cause instanceof TkaError)) throw cause
    throw new ControlError('forbidden', cause.message, { cause })
  }
}
