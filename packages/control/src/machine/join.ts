// SPDX-License-Identifier: Apache-2.0

/**
 * Who may join: whoever has a pre-auth key.
 *
 * @module
 */

import { ControlError } from '../errors.ts'
import type { PreAuthKeyRow } from '../store/rows.ts'
import { isSecretOf, parsePreAuthKey, whyUnusable } from '../tailnet/pre-auth-keys.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import type { Tailnets } from '../tailnet/tailnets.ts'

/**
 * Finds the key that a machine brings. Whether a one-time key was used already is left to the caller, who
 * knows whether it was used by this very machine.
 *
 * @throws ControlError 'unauthorized'
 */
export function checkPreAuthKey(
  tailnets: Tailnets,
  text: string,
  now: number,
): { tailnet: Tailnet; key: PreAuthKeyRow } {
  if (text.includes('--TL')) {
    throw new ControlError(
      'unauthorized',
      'this client did not understand the signature in its auth key; update the client',
    )
  }
  const parsed = parsePreAuthKey(text)
  const found = parsed === null ? undefined : tailnets.findPreAuthKey(parsed.id)
  // One answer for a wrong id and a wrong secret.
  if (parsed === null || found === undefined || !isSecretOf(found.key, parsed.secret)) {
    throw new ControlError('unauthorized', 'this pre-auth key is not known')
  }
  const reason = whyUnusable(found.key, now)
  if (reason !== null) throw new ControlError('unauthorized', reason)
  return found
}
