// SPDX-License-Identifier: Apache-2.0

/**
 * Recovery from a stolen lock key: a checkpoint that branches off before the key did harm, without
 * the key, and signed by enough others to win.
 *
 *     draft (first signer) -> co-sign (others, out of band) -> submit
 *
 * A draft travels by mail or chat, so each co-signer looks at what it is asked to sign: official
 * nodes sign any update here.
 *
 * @module
 */

import { equalBytes } from '@signet/codec'
import { lockSigner } from '@signet/keys'
import {
  aumHash,
  aumHashText,
  AumKind,
  aumParent,
  cosignAum,
  decodeAum,
  encodeAum,
  findKey,
  keyId,
  makeRecoveryAum,
  recoveryStanding,
  stateIdText,
  validateAum,
  type Aum,
  type AumHash,
  type Authority,
} from '@signet/tka'
import { NodeError, reasonOf } from '../errors.ts'
import type { LockCommandsOptions } from './commands.ts'

type RecoveryOptions = Pick<LockCommandsOptions, 'keeper' | 'rpc' | 'lockKey'>

/** The three steps; updates travel as CBOR. */
export type LockRecovery = {
  /** A draft without these keys, signed by this node. `forkFrom` null lets this node choose. */
  generate(removeKeys: readonly Uint8Array[], forkFrom: AumHash | null): Uint8Array
  /** The draft with this node's signature added. */
  cosign(draft: Uint8Array): Uint8Array
  /** Gives it to the server. @throws NodeError lock-conflict when it would not win */
  submit(draft: Uint8Array): Promise<void>
}

/** Creates the steps. */
export function createLockRecovery(options: RecoveryOptions): LockRecovery {
  const { keeper, rpc } = options
  return {
    generate(removeKeys, forkFrom) {
      // Not: a key trusted now. A thief may have removed ours, and this is how it comes back.
      const signer = lockSigner(options.lockKey())
      const { authority, store } = keeper.require()
      const draft = makeRecoveryAum(authority, store, {
        removeKeys,
        ourKey: signer.keyId,
        ...(forkFrom !== null && { forkFrom }),
      })
      return encodeAum(cosignAum(draft, signer))
    },
    cosign(bytes) {
      const signer = lockSigner(options.lockKey())
      const draft = read(bytes)
      requireRecovery(draft, keeper.require().authority)
      return encodeAum(cosignAum(draft, signer))
    },
    async submit(bytes) {
      const { authority, store } = keeper.require()
      const draft = read(bytes)
      requireRecovery(draft, authority)
      const { weight, opposing, wins } = recoveryStanding(authority, store, draft)
      if (!wins) {
        throw new NodeError(
          'lock-conflict',
          `This recovery would lose: its signatures have ${weight} votes, the update that it competes with ${opposing ?? 0n}. Have more signing nodes co-sign it`,
        )
      }
      await rpc.syncSend(aumHashText(aumHash(draft)), [encodeAum(draft)], false)
    },
  }
}

function read(bytes: Uint8Array): Aum {
  try {
    return decodeAum(bytes)
  } catch (cause) {
    throw new NodeError('bad-argument', `This is not an update of a lock: ${reasonOf(cause)}`, {
      cause,
    })
  }
}

/** A recovery takes keys away and changes nothing else. */
function requireRecovery(draft: Aum, { state: now, stateId }: Authority): void {
  const refuse = (what: string): NodeError =>
    new NodeError('bad-argument', `This is not the recovery of this lock: ${what}`)
  try {
    validateAum(draft)
  } catch (cause) {
    throw refuse(reasonOf(cause))
  }
  const { state } = draft
  if (draft.kind !== AumKind.Checkpoint || state === null || aumParent(draft) === null) {
    throw refuse('it is another kind of update')
  }
  if (stateIdText(state) !== stateId) throw refuse('it belongs to another lock')
  const values = now.disablementValues ?? []
  const others = state.disablementValues ?? []
  if (values.length !== others.length || !values.every((value, i) => isSame(value, others[i]))) {
    throw refuse('it changes the disablement secrets')
  }
  for (const key of state.keys ?? []) {
    const known = findKey(now, keyId(key))
    if (known === undefined) throw refuse('it adds a key')
    if (known.votes !== key.votes) throw refuse('it changes the votes of a key')
  }
}

function isSame(a: Uint8Array | null, b: Uint8Array | null | undefined): boolean {
  return a !== null && b !== null && b !== undefined && equalBytes(a, b)
}
