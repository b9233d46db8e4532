// SPDX-License-Identifier: Apache-2.0

/**
 * What administrators are told when the lock has changed: which nodes it locked out, and that the chain grows
 * long. Nothing follows from it by itself: no node is deleted, no signature is dropped. The key may be added
 * again, and then they are good again.
 *
 * @module
 */

import type { LockContext } from './context.ts'
import { chainReport } from './chain-length.ts'
import { signatureState, trustedKeysOf } from './signatures.ts'
import type { LockState } from './state.ts'

/** Nodes that are named in one line of the log. */
const MAX_NAMED = 50

/** Logs what the change from `before` to the lock as it is now means. */
export function alertLockedOut(
  { tailnet, logger }: Pick<LockContext, 'tailnet' | 'logger'>,
  before: LockState,
): void {
  const after = tailnet.lock
  for (const warning of chainReport(after.active).warnings) logger.warn(warning)
  if (!isAnybodyGone(before, after)) return
  const lockedOut = [...tailnet.nodes.values()]
    .map(({ row }) => row)
    .filter(
      (row) => signatureState(before, row) === 'valid' && signatureState(after, row) !== 'valid',
    )
  if (lockedOut.length === 0) return
  logger.warn(
    { count: lockedOut.length, nodes: lockedOut.slice(0, MAX_NAMED).map(({ name }) => name) },
    'nodes are locked out: the key that signed them is no longer trusted; sign them with another',
  )
}

function isAnybodyGone(before: LockState, after: LockState): boolean {
  if (before.active === null || after.active === null) return false
  const trusted = trustedKeysOf(after.active.authority.state)
  const keys = before.active.authority.state.keys ?? []
  return keys.some((key) => key.public !== null && !trusted.has(key.public))
}
