// SPDX-License-Identifier: Apache-2.0

/**
 * Updates as the server sends them: each that verifies and undoes nothing it may not is taken, whatever is beside it.
 *
 * @module
 */

import { decodeAum, TkaError, type Aum, type TkaErrorCode } from '@signet/tka'
import { maxForgedUpdates, maxUpdatesPerReply } from '../limits.ts'
import type { LockKeeper } from './keeper.ts'

/** Why an update that verifies was refused all the same. */
export type Undoing = Extract<
  TkaErrorCode,
  'repeated-signature' | 'renamed-update' | 'removed-signer'
>

/** What became of a reply's updates. */
export type TakenUpdates = {
  readonly refused: number
  /** Set when one of them would have undone history. */
  readonly undoing: Undoing | null
}

const undoingSentences: Readonly<Record<Undoing, string>> = {
  'repeated-signature': 'one key has signed it twice, which gives it another name',
  'renamed-update': 'it is a known one with other signatures',
  'removed-signer': 'it is signed by a key that has been removed',
}

/** A sentence for the owner. */
export function undoingText(undoing: Undoing): string {
  return `The server sends an update that would undo the history of the lock, and it was refused: ${undoingSentences[undoing]}`
}

/**
 * Takes every update that verifies. A batch with one bad update in it must not keep out the good
 * ones: a server that slips one in could otherwise hold back a revocation for ever. So a batch that
 * is refused is halved until what is refused stands alone.
 */
export function takeUpdates(
  keeper: Pick<LockKeeper, 'inform'>,
  encoded: readonly Uint8Array[],
): TakenUpdates {
  const aums = encoded.slice(0, maxUpdatesPerReply).flatMap(decoded)
  let refused = encoded.length - aums.length
  let undoing: Undoing | null = null
  let forged = 0
  const take = (batch: readonly Aum[]): void => {
    if (batch.length === 0) return
    if (forged >= maxForgedUpdates) {
      refused += batch.length
      return
    }
    try {
      keeper.inform(batch)
    } catch (error) {
      if (!(error instanceof TkaError) || error.code === 'store-write') throw error
      // Of a batch, the reason for all of it says most: alone, an update may be wrong in another way.
      if (isUndoing(error.code)) undoing ??= error.code
      if (batch.length > 1) {
        const half = Math.ceil(batch.length / 2)
        take(batch.slice(0, half))
        take(batch.slice(half))
        return
      }
      refused++
      if (isUndoing(error.code) || error.code === 'bad-signature') forged++
    }
  }
  take(aums)
  return { refused, undoing: refused > 0 ? undoing : null }
}

function isUndoing(code: TkaErrorCode): code is Undoing {
  return Object.hasOwn(undoingSentences, code)
}

function decoded(bytes: Uint8Array): readonly Aum[] {
  try {
    return [decodeAum(bytes)]
  } catch {
    // Counted by the caller: what cannot be read is refused like what does not verify.
    return []
  }
}
