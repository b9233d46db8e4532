// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, static validation: whether an update is well-formed on its own, before
 * any state is looked at. What is not refused here every member has to accept.
 *
 * @module
 */

import { toHex } from '@signet/codec'
import { aumKindText, AumKind, type Aum } from './aum.ts'
import { TkaError } from './errors.ts'
import { keyId, validateKey } from './key.ts'
import { DISABLEMENT_LENGTH, MAX_DISABLEMENT_VALUES, MAX_KEYS } from './limits.ts'
import type { State } from './state.ts'

const KEY_ID_LENGTH = 32
const SIGNATURE_LENGTH = 64

/** Fields that belong to some kinds only. */
type Part = 'key' | 'keyId' | 'state' | 'votes' | 'meta'

/**
 * Checks that an update is well-formed.
 *
 * @throws TkaError `bad-votes`, `meta-too-big`, `unknown-key-kind`, `empty-parent`,
 *   `bad-signature-shape`, `bad-state`, `missing-field`, `unexpected-field`
 */
export function validateAum(aum: Aum): void {
  if (aum.key !== null) validateKey(aum.key)
  if (aum.prev !== null && aum.prev.length === 0) {
    throw new TkaError('empty-parent', 'Cannot accept update: an absent parent must be null')
  }
  for (const { keyId: id, signature } of aum.signatures ?? []) {
    if (id?.length !== KEY_ID_LENGTH || signature?.length !== SIGNATURE_LENGTH) {
      throw new TkaError(
        'bad-signature-shape',
        `Cannot accept update: expected a signature of 32 and 64 bytes, got ${id?.length ?? 0} and ${signature?.length ?? 0}`,
      )
    }
  }
  if (aum.state !== null) validateCheckpointState(aum.state)
  validateParts(aum)
}

function validateParts(aum: Aum): void {
  switch (aum.kind) {
    case AumKind.AddKey:
      if (aum.key === null) throw missing(aum, 'key')
      return refuse(aum, ['keyId', 'state', 'votes', 'meta'])
    case AumKind.RemoveKey:
      if (!aum.keyId?.length) throw missing(aum, 'keyId')
      return refuse(aum, ['key', 'state', 'votes', 'meta'])
    case AumKind.UpdateKey:
      if (!aum.keyId?.length) throw missing(aum, 'keyId')
      if (aum.meta === null && aum.votes === null) throw missing(aum, 'votes or meta')
      return refuse(aum, ['key', 'state'])
    case AumKind.Checkpoint:
      if (aum.state === null) throw missing(aum, 'state')
      return refuse(aum, ['keyId', 'key', 'votes', 'meta'])
    default:
      // No-ops, and kinds from the future, which may carry anything: old members have to let them
      // pass, or they would stop at the first one for ever.
      return
  }
}

function missing(aum: Aum, what: string): TkaError {
  const kind = aumKindText(aum.kind)
  return new TkaError('missing-field', `Cannot accept ${kind} update: ${what} is missing`)
}

function refuse(aum: Aum, parts: readonly Part[]): void {
  for (const part of parts) {
    // Present but empty is present: it encodes away, so one hash can be valid and not valid.
    if (aum[part] === null) continue
    const kind = aumKindText(aum.kind)
    throw new TkaError('unexpected-field', `Cannot accept ${kind} update: it must not have ${part}`)
  }
}

/**
 * Checks that a state may stand in a checkpoint.
 *
 * @throws TkaError `bad-state`, and for each key what {@link validateKey} throws
 */
export function validateCheckpointState(state: State): void {
  if (state.lastAumHash !== null) throw badState('it must not name an update')
  const values = state.disablementValues ?? []
  if (values.length === 0) throw badState('at least one disablement value is needed')
  if (values.length > MAX_DISABLEMENT_VALUES) {
    throw badState(`at most ${MAX_DISABLEMENT_VALUES} disablement values, got ${values.length}`)
  }
  if (values.some((value) => value?.length !== DISABLEMENT_LENGTH)) {
    throw badState(`a disablement value must have ${DISABLEMENT_LENGTH} bytes`)
  }
  refuseRepeats(values, 'disablement value')
  const keys = state.keys ?? []
  if (keys.length === 0) throw badState('at least one key is needed')
  if (keys.length > MAX_KEYS) throw badState(`at most ${MAX_KEYS} keys, got ${keys.length}`)
  for (const key of keys) validateKey(key)
  refuseRepeats(keys.map(keyId), 'key')
}

function refuseRepeats(list: readonly (Uint8Array | null)[], what: string): void {
  const seen = new Set<string>()
  for (const item of list) {
    const text = toHex(item ?? new Uint8Array(0))
    if (seen.has(text)) throw badState(`${what} ${text} is there twice`)
    seen.add(text)
  }
}

function badState(reason: string): TkaError {
  return new TkaError('bad-state', `Cannot accept checkpoint state: ${reason}`)
}
