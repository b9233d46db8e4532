// SPDX-License-Identifier: Apache-2.0

/**
 * Challenge keys: X25519, made by a server for one connection, so that the client can prove its
 * node key.
 *
 * @module
 */

import { clampX25519, x25519PublicKey } from '@signet/crypto'
import { createPublicKeyText } from './key-text.ts'
import { PrivateKey, privateKeyBytes } from './private-key.ts'
import { randomKeyBytes } from './random.ts'

/** `chalpub:` and 64 lower-case hex digits. */
export type ChallengePublic = `chalpub:${string}` & { readonly __key: 'challenge' }

/** The private half. */
export type ChallengePrivate = PrivateKey<'challenge'>

const text = createPublicKeyText<ChallengePublic>('chalpub:')

/** The key that stands for "none" on the wire. */
export const zeroChallengePublic: ChallengePublic = text.zero

/**
 * Returns the key of a text.
 *
 * @throws KeyError `bad-key-text`
 */
export function parseChallengePublic(keyText: string): ChallengePublic {
  return text.parse(keyText)
}

/**
 * Returns the key of 32 raw bytes.
 *
 * @throws KeyError `bad-key-bytes`
 */
export function challengePublicFromBytes(raw: Uint8Array): ChallengePublic {
  return text.fromBytes(raw)
}

/** Returns the 32 raw bytes. */
export function challengePublicBytes(key: ChallengePublic): Uint8Array {
  return text.bytes(key)
}

/** Says whether this is the key that stands for "none". */
export function isZeroChallengePublic(key: ChallengePublic): boolean {
  return key === text.zero
}

/** Returns a fresh private key. */
export function generateChallengeKey(): ChallengePrivate {
  return new PrivateKey('challenge', clampX25519(randomKeyBytes(32)))
}

/** Returns the public half. */
export function challengePublicOf(key: ChallengePrivate): ChallengePublic {
  return text.fromBytes(x25519PublicKey(privateKeyBytes(key)))
}
