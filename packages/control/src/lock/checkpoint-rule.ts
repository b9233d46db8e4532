// SPDX-License-Identifier: Apache-2.0

/**
 * What a checkpoint may change: nothing that other updates could not.
 *
 * In the official rules one trusted key may replace every other key and the disablement values in a single
 * checkpoint. A server that passes such an update on helps whoever stole that key. So a checkpoint must keep
 * the disablement values, and each of its keys must have been trusted before it or be trusted now, with the
 * same votes and metadata. Everything that official clients make by themselves fits.
 *
 * @module
 */

import { equalBytes } from '@signet/codec'
import { AumKind, aumParent, stateAt } from '@signet/tka'
import type { ActiveChain, AumStore, Key, State, VerifiedAum } from '@signet/tka'
import { ControlError } from '../errors.ts'

/** Applies the rule to one new update. @throws ControlError 'forbidden' */
export function checkCheckpoint(
  aum: VerifiedAum,
  context: { readonly store: AumStore; readonly chain: ActiveChain; readonly head: State },
): void {
  if (aum.kind !== AumKind.Checkpoint || aum.state === null) return
  const parent = aumParent(aum)
  if (parent === null) return
  const before = stateAt(context.store, parent, { chain: context.chain })
  if (!sameValues(aum.state, before)) {
    throw new ControlError(
      'forbidden',
      'This server refuses checkpoints that change who may end the lock',
    )
  }
  const known = [...(before.keys ?? []), ...(context.head.keys ?? [])]
  for (const key of aum.state.keys ?? []) {
    if (!known.some((other) => sameKey(key, other))) {
      throw new ControlError(
        'forbidden',
        'This server refuses checkpoints that add or change trusted keys; add them one by one',
      )
    }
  }
}

function sameValues(a: State, b: State): boolean {
  const left = a.disablementValues ?? []
  const right = b.disablementValues ?? []
  return (
    left.length === right.length &&
    left.every((value, index) => sameBytes(value, right[index] ?? null))
  )
}

function sameKey(a: Key, b: Key): boolean {
  return (
    a.kind === b.kind &&
    a.votes === b.votes &&
    sameBytes(a.public, b.public) &&
    sameMeta(a.meta, b.meta)
  )
}

function sameMeta(a: Key['meta'], b: Key['meta']): boolean {
  const left = [...(a ?? [])]
  return left.length === (b?.size ?? 0) && left.every(([name, value]) => b?.get(name) === value)
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b)
}
