// SPDX-License-Identifier: Apache-2.0

/**
 * Switching the lock off: possible only with one of the secrets made at its beginning. The secret is kept,
 * because it is the proof that nodes demand before they let go; from then on it is no secret.
 *
 * @module
 */

import type { TKADisableRequest } from '@signet/protocol'
import { checkDisablement } from '@signet/tka'
import type { AumHash } from '@signet/tka'
import { ControlError } from '../errors.ts'
import type { NodeRow } from '../store/rows.ts'
import type { LockContext } from './context.ts'
import { requireActive, requireAdministrator } from './context.ts'

/** Longer than any secret that a client makes (32 bytes), short enough to derive from. */
const MAX_SECRET_BYTES = 1_024

/** Ends the active authority, if the secret is right. */
export async function disable(
  context: LockContext,
  node: NodeRow,
  request: TKADisableRequest,
): Promise<void> {
  const { tailnet, clock, pending, secretChecks, logger } = context
  requireAdministrator(context, node, 'switch off tailnet lock')
  const before = requireActive(context)
  const secret = request.DisablementSecret ?? new Uint8Array()
  if (secret.length === 0 || secret.length > MAX_SECRET_BYTES) {
    throw new ControlError('bad-request', 'There is no disablement secret in the request')
  }
  secretChecks.use(String(node.id))
  const isRight = await checkDisablement(before.authority.state, secret)

  const active = requireActive(context)
  if (active.row.id !== before.row.id) {
    throw new ControlError('conflict', 'Tailnet lock was changed meanwhile; try again')
  }
  if (!isRight) {
    logger.warn({ node: node.id }, 'wrong disablement secret')
    throw new ControlError('forbidden', 'This disablement secret is not one of this tailnet lock')
  }
  const row = { ...active.row, retiredAt: clock.now(), disablementSecret: secret }
  const hashes: ReadonlySet<AumHash> = new Set(active.aums.hashes())
  tailnet.write((draft) =>
    draft.setLock({ active: null, retired: [...tailnet.lock.retired, { row, hashes }] }, [
      { put: 'authority', row },
      { delete: 'pending-inits', tailnetId: tailnet.row.id },
    ]),
  )
  pending.clear()
  logger.info({ node: node.id }, 'tailnet lock switched off')
}
