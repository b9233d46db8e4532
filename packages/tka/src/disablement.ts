// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, disablement: the only way to end the lock. Checkpoints carry values that
 * are derived from secrets; who knows a secret may switch the lock off.
 *
 * @module
 */

import { encodeUtf8, fromHex, toHex } from '@signet/codec'
import { argon2i, constantTimeEqual } from '@signet/crypto'
import { TkaError } from './errors.ts'
import { DISABLEMENT_LENGTH } from './limits.ts'
import type { State } from './state.ts'

const SALT = encodeUtf8('tailscale network-lock disablement salt')
const SECRET_PREFIX = 'disablement-secret:'
const SECRET_LENGTH = 32

/**
 * Derives the public value of a secret. Slow on purpose (16 MiB, tens of milliseconds), so whoever
 * lets others ask for it has to bound how often.
 */
export function disablementValue(secret: Uint8Array): Promise<Uint8Array> {
  return argon2i({
    password: secret,
    salt: SALT,
    passes: 4,
    memoryKiB: 16 * 1024,
    parallelism: 4,
    length: DISABLEMENT_LENGTH,
  })
}

/**
 * Says whether a secret may end the lock in this state. Ask with the state at the head: a later
 * checkpoint may have replaced the values that the authority began with.
 */
export async function checkDisablement(state: State, secret: Uint8Array): Promise<boolean> {
  const derived = await disablementValue(secret)
  let isValid = false
  for (const value of state.disablementValues ?? []) {
    if (value !== null && constantTimeEqual(derived, value)) isValid = true
  }
  return isValid
}

/** Returns the text form of a secret, as official tools print it. */
export function disablementSecretText(secret: Uint8Array): string {
  return SECRET_PREFIX + toHex(secret).toUpperCase()
}

/**
 * Parses the text form of a secret.
 *
 * @throws TkaError `bad-text`
 */
export function parseDisablementSecret(text: string): Uint8Array {
  if (!text.startsWith(SECRET_PREFIX)) {
    throw new TkaError('bad-text', `Cannot parse disablement secret: expected ${SECRET_PREFIX}...`)
  }
  let secret: Uint8Array
  try {
    secret = fromHex(text.slice(SECRET_PREFIX.length))
  } catch (cause) {
    throw new TkaError('bad-text', 'Cannot parse disablement secret: not hexadecimal', { cause })
  }
  if (secret.length !== SECRET_LENGTH) {
    throw new TkaError(
      'bad-text',
      `Cannot parse disablement secret: expected ${SECRET_LENGTH} bytes, got ${secret.length}`,
    )
  }
  return secret
}
