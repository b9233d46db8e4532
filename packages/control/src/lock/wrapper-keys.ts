// SPDX-License-Identifier: Apache-2.0

/**
 * Trusted keys that were made for pre-auth keys. Signing a pre-auth key adds a trusted key that is good for ever,
 * whatever becomes of the pre-auth key: it takes one of 512 places, and who has the signed text can use it to sign.
 * So people are told which of them have had their day.
 *
 * @module
 */

import type { Key } from '@signet/tka'
import type { Tailnet } from '../tailnet/tailnet.ts'

/** What clients write into the metadata of such a key. */
const PURPOSE = 'pre-auth key'

/** What to know about a trusted key; null for the key of a node. */
export function noteOnKey(tailnet: Tailnet, { meta }: Key, now: number): string | null {
  if (meta?.get('purpose') !== PURPOSE) return null
  const id = meta.get('authkey_stableid') ?? ''
  const key = tailnet.preAuthKeys.get(id)
  const name = id === '' ? 'a pre-auth key' : `pre-auth key ${JSON.stringify(id)}`
  const over = 'can be removed, after the nodes it signed were signed by another'
  if (key === undefined) return `for ${name}, which this server does not know; ${over}`
  if (key.revokedAt !== null) return `for ${name}, which was revoked; ${over}`
  if (key.expiresAt !== null && key.expiresAt <= now) return `for ${name}, which expired; ${over}`
  if (!key.reusable && key.usedAt !== null) return `for ${name}, which was used; ${over}`
  return `for ${name}`
}
