// SPDX-License-Identifier: Apache-2.0

/**
 * What the lock's calls work with, and who may make them.
 *
 * @module
 */

import type { Logger } from 'pino'
import { TkaError } from '@signet/tka'
import type { TkaErrorCode } from '@signet/tka'
import type { Clock } from '../clock.ts'
import { ControlError } from '../errors.ts'
import type { NodeRow, PendingInitRow } from '../store/rows.ts'
import type { Store } from '../store/store.ts'
import { isExpired } from '../tailnet/node.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { mayAdministerLock, roleOf } from '../tailnet/users.ts'
import { createBeginnings } from './beginnings.ts'
import type { Beginnings } from './beginnings.ts'
import type { CallLimits } from './call-limits.ts'
import type { RateLimiter } from './rate-limiter.ts'
import { createRateLimiter } from './rate-limiter.ts'
import type { ActiveLock } from './state.ts'

/** The lock of one tailnet, and what its calls need. */
export interface LockContext {
  readonly tailnet: Tailnet
  readonly clock: Clock
  readonly logger: Logger
  /** Initialisations that were begun, by the node that began. As stored. */
  readonly pending: Map<number, PendingInitRow>
  /** Key derivations cost 16 MiB and a tenth of a second each. */
  readonly secretChecks: RateLimiter
  /** How often one machine may call. */
  readonly calls: CallLimits
  /** Nodes that asked how to begin, and when: who goes on asking does not begin. */
  readonly beginnings: Beginnings
}

/** Opens the context of a tailnet. */
export function openLockContext(
  tailnet: Tailnet,
  store: Store,
  clock: Clock,
  logger: Logger,
  calls: CallLimits,
): LockContext {
  return {
    tailnet,
    clock,
    logger,
    pending: new Map(store.pendingInits(tailnet.row.id).map((row) => [row.nodeId, row])),
    secretChecks: createRateLimiter({ perMinute: 5, now: () => clock.now() }),
    calls,
    beginnings: createBeginnings(() => clock.now()),
  }
}

/** The active lock. @throws ControlError 'not-found' */
export function requireActive({ tailnet }: LockContext): ActiveLock {
  const { active } = tailnet.lock
  if (active === null) throw new ControlError('not-found', 'Tailnet lock is not enabled')
  return active
}

/** Requires that a node's key has not expired. @throws ControlError 'forbidden' */
export function requireCurrent({ clock }: LockContext, node: NodeRow, what: string): void {
  if (!isExpired(node, clock.now())) return
  throw new ControlError('forbidden', `The key of this node has expired; log in again to ${what}`)
}

/**
 * Requires that a node may change the lock by its user's role. Where a signature of a trusted key is the proof,
 * nothing is asked but that: signing nodes are often tagged.
 *
 * @throws ControlError 'forbidden'
 */
export function requireAdministrator(context: LockContext, node: NodeRow, what: string): void {
  const { tailnet } = context
  requireCurrent(context, node, what)
  if (mayAdministerLock(tailnet, node)) return
  const role = roleOf(tailnet, node)
  throw new ControlError(
    'forbidden',
    role === 'tagged'
      ? `A tagged node may not ${what}; use a node of an owner or admin`
      : `Only owners and admins may ${what}; this node belongs to a ${role}`,
  )
}

/** Turns a refusal of the authority into one of ours, with its reason. */
export function refusalOf(
  error: unknown,
  what: string,
  /** Better reasons for some codes. */
  reasons: Partial<Record<TkaErrorCode, string>> = {},
): unknown {
  if (!(error instanceof TkaError)) return error
  const reason = reasons[error.code] ?? error.message
  return new ControlError('invalid-signature', `${what}: ${reason}`, { cause: error })
}
