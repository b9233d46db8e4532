// SPDX-License-Identifier: Apache-2.0

/**
 * Getting a damaged lock back from the server, without trusting it: the mark in `node.json` names
 * the update that the lock began with and the newest one that was in force here. Both are hashes, so
 * a history that holds them is the one that was lost, whoever tells it.
 *
 * What the store cannot get back is the memory of replaced node keys, when that was what was lost.
 *
 * @module
 */

import { aumHashText, decodeAum, type Aum } from '@signet/tka'
import { NodeError, reasonOf } from '../errors.ts'
import type { LockKeeper } from './keeper.ts'
import type { LockRpc } from './lock-rpc.ts'
import type { LockLog } from './sync.ts'

/**
 * Fetches the history, checks it against the mark, and puts it in the place of the damaged store,
 * which is kept beside it.
 *
 * @throws NodeError bad-argument when nothing is damaged, lock-broken when the history is another
 */
export async function healLock(options: {
  readonly keeper: LockKeeper
  readonly rpc: LockRpc
  readonly log: LockLog
}): Promise<void> {
  const { keeper, rpc, log } = options
  if (keeper.state().kind !== 'broken') {
    throw new NodeError('bad-argument', 'The lock of this node is not damaged')
  }
  const { genesis } = await rpc.bootstrap('')
  if (genesis === null) {
    throw new NodeError('lock-broken', 'The server has no lock to show; the old one cannot be had')
  }
  const first = parsed(genesis)
  const head = aumHashText(keeper.markedGenesis())
  const { missing } = await rpc.syncOffer({ head, ancestors: [head] })
  const authority = keeper.heal(first, missing.map(parsed))
  log.warn({ stateId: authority.stateId }, 'The damaged lock was replaced by its true history')
}

function parsed(bytes: Uint8Array): Aum {
  try {
    return decodeAum(bytes)
  } catch (cause) {
    throw new NodeError('lock-broken', `The server's history cannot be read: ${reasonOf(cause)}`, {
      cause,
    })
  }
}
