// SPDX-License-Identifier: Apache-2.0

/**
 * The notice of a node that is locked out: what is wrong, and the exact command that lets it in.
 *
 * @module
 */

import type { LockStatus } from '@signet/protocol/local-api'
import { CliError } from './errors.ts'
import { signCommand } from './commands/lock/texts.ts'

/** Whether the lock keeps this node out. */
export function isLockedOut(lock: LockStatus): boolean {
  return lock.Enabled && lock.NodeKey !== null && !lock.NodeKeySigned
}

/** Returns the error of a node that is locked out, with what to run elsewhere. */
export function lockedOutError(lock: LockStatus): CliError {
  const closed = lock.Signet?.FailedClosed ?? ''
  if (lock.Signet?.State === 'awaiting') {
    return new CliError('locked-out', `This node refuses all peers: ${closed}`, {
      hint: 'It goes on asking the server. If the pin was mistyped, run "signet logout" and join again.',
    })
  }
  if (closed !== '') {
    return new CliError('locked-out', `This node refuses all peers: ${closed}`, {
      hint: 'See "signet lock status", and compare "signet lock fingerprint" with a signer before you repair it.',
    })
  }
  return new CliError(
    'locked-out',
    'This node is LOCKED OUT by Tailnet Lock, and action is required to establish connectivity.',
    {
      hint: `Run the following command on a node with a trusted key:\n\t${signCommand(lock.NodeKey ?? '', lock.PublicKey)}`,
    },
  )
}
