// SPDX-License-Identifier: Apache-2.0

/**
 * What is wrong with this node, in sentences: what the owner sees without asking.
 *
 * @module
 */

import { lockPublicCliText, lockPublicOf, nodePublicOf } from '@signet/keys'
import { foreignRotationKeys } from '../lock/foreign-rotation.ts'
import type { NodeParts } from '../parts.ts'

/** Every present problem, the gravest first. */
export function healthMessages(parts: NodeParts): readonly string[] {
  const closed = closedBecause(parts)
  const out =
    closed === '' ? [] : [`Tailnet lock: this node refuses all peers. ${closed}${remedy(parts)}`]
  if (parts.keeper.state().kind === 'on' && isLockedOut(parts)) out.push(lockedOutText(parts))
  out.push(...replaceableBy(parts))
  for (const warning of parts.sync.warnings()) out.push(`Tailnet lock: ${warning}`)
  const offline = parts.backend.offlineBecause()
  if (offline !== '') out.push(`Not connected to the control server: ${offline}`)
  return out
}

/** What to do about a closed gate. */
function remedy({ keeper }: NodeParts): string {
  return keeper.state().kind === 'broken' ? '. To get it back, run: signet lock repair' : ''
}

/** Why nobody is let in, '' when the lock is in order. */
export function closedBecause({ keeper, runner }: NodeParts): string {
  const state = keeper.state()
  if (state.kind === 'broken' || state.kind === 'awaiting') return state.why
  return runner.failure()
}

/** True when the lock is on and this node's own key does not count. */
export function isLockedOut({ keeper, runner }: NodeParts): boolean {
  const own = runner.result()?.self ?? null
  return keeper.state().kind === 'on' && own !== null
}

/** A signature of this node that was made out to somebody else's rotation key. */
function replaceableBy(parts: NodeParts): readonly string[] {
  const signature = parts.backend.netmap()?.self?.KeySignature
  const { lockKey } = parts.stateFile.get()
  if (!signature || !lockKey || parts.keeper.state().kind !== 'on' || isLockedOut(parts)) return []
  return foreignRotationKeys(signature, lockPublicOf(lockKey)).map(
    (key) =>
      `Tailnet lock: whoever has the key ${lockPublicCliText(key)}, which is not that of this node, can take its place. The server may have named it when this node was signed. Sign this node again with its own key, and replace the trusted key that signed it`,
  )
}

/** The official words, and what helps. */
function lockedOutText({ stateFile }: NodeParts): string {
  const { nodeKey, lockKey } = stateFile.get()
  const node = nodeKey ? nodePublicOf(nodeKey) : 'nodekey:...'
  const lock = lockKey ? lockPublicCliText(lockPublicOf(lockKey)) : ''
  return `this node is locked out; it will not have connectivity until it is signed. On a node with a trusted key, run: signet lock sign ${node} ${lock}`.trimEnd()
}
