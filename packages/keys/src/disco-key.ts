// SPDX-License-Identifier: Apache-2.0

/**
 * Disco keys: X25519, one per run of a node, for the messages by which peers find paths to each
 * other. Never stored.
 *
 * @module
 */

import { toHex } from '@signet/codec'
import { clampX25519, x25519PublicKey } from '@signet/crypto'
import { createPublicKeyText } from './key-text.ts'
import { PrivateKey, privateKeyBytes } from './private-key.ts'
import { randomKeyBytes } from './random.ts'

/** `discokey:` and 64 lower-case hex digits. */
export type DiscoPublic = `discokey:${string}` & { readonly __key: 'disco' }

/** The private half. */
export type DiscoPrivate = PrivateKey<'disco'>

const text = createPublicKeyText<DiscoPublic>('discokey:')

/** The key that stands for "none" on the wire. */
export const zeroDiscoPublic: DiscoPublic = text.zero

/**
 * Returns the key of a text.
 *
 * @throws KeyError `bad-key-text`
 */
export function parseDiscoPublic(keyText: string): DiscoPublic {
  return text.parse(keyText)
}

/**
 * Returns the key of 32 raw bytes.
 *
 * @throws KeyError `bad-key-bytes`
 */
export function discoPublicFromBytes(raw: Uint8Array): DiscoPublic {
  return text.fromBytes(raw)
}

/** Returns the 32 raw bytes. */
export function discoPublicBytes(key: DiscoPublic): Uint8Array {
  return text.bytes(key)
}

/** Says whether this is the key that stands for "none". */
export function isZeroDiscoPublic(key: DiscoPublic): boolean {
  return key === text.zero
}

/** Returns `d:` and 16 hex digits, as logs show keys; empty for the zero key. */
export function shortDiscoKey(key: DiscoPublic): string {
  return isZeroDiscoPublic(key) ? '' : `d:${toHex(text.bytes(key).subarray(0, 8))}`
}

/** Returns two keys in ascending order of their bytes: one name for a pair, from either side. */
export function sortedDiscoPair(
  a: DiscoPublic,
  b: DiscoPublic,
): readonly [DiscoPublic, DiscoPublic] {
  return a <= b ? [a, b] : [b, a]
}

/** Returns a fresh private key. */
export function generateDiscoKey(): DiscoPrivate {
  return discoPrivateFromBytes(clampX25519(randomKeyBytes(32)))
}

/**
 * Returns the private key of 32 raw bytes.
 *
 * @throws KeyError `bad-key-bytes`
 */
export function discoPrivateFromBytes(raw: Uint8Array): DiscoPrivate {
  return new PrivateKey('disco', raw)
}

/** Returns the public half. */
export function discoPublicOf(key: DiscoPrivate): DiscoPublic {
  return text.fromBytes(x25519PublicKey(privateKeyBytes(key)))
}
