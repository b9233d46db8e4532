// SPDX-License-Identifier: Apache-2.0

/**
 * Ed25519 (RFC 8032): keys, signatures, and the two rule sets of verification that a tailnet needs.
 *
 * - ZIP-215 for updates of the authority, and direct and credential node-key signatures
 * - the standard rule (Go crypto/ed25519) for rotation signatures
 *
 * Machine first, exact check only on a no; see `ed25519-exact.ts` for the rules.
 *
 * @module
 */

import { platform } from '#platform'
import {
  decodePoint,
  hasReducedScalar,
  verifyStandardExact,
  verifyZip215Exact,
} from './ed25519-exact.ts'
import { requireLength } from './errors.ts'

export { isSmallOrder } from './small-order.ts'

/** Which rules decide about a signature: see `ed25519-exact.ts`. */
export type SignatureRule = 'zip215' | 'standard'

/** One signature to check. */
export interface SignedMessage {
  /** ZIP-215 unless stated. */
  readonly rule?: SignatureRule
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/**
 * Returns the public key of a 32-byte seed.
 *
 * @throws CryptoError `bad-length`
 */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  requireLength(seed, 32, 'Ed25519 seed')
  return platform.ed25519PublicKey(seed)
}

/**
 * Returns the signature, 64 bytes; the same every time.
 *
 * @throws CryptoError `bad-length`
 */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  requireLength(seed, 32, 'Ed25519 seed')
  return platform.ed25519Sign(seed, message)
}

/** Says whether a signature holds under ZIP-215. A wrong length is a no. */
export function verifyZip215(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!couldBeValid(publicKey, signature)) return false
  return (
    platform.ed25519Verify(publicKey, message, signature) ||
    verifyZip215Exact(publicKey, message, signature)
  )
}

/** Says whether a signature holds under the standard rule. A wrong length is a no. */
export function verifyStandard(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!couldBeValid(publicKey, signature)) return false
  return (
    platform.ed25519Verify(publicKey, message, signature) ||
    verifyStandardExact(publicKey, message, signature)
  )
}

/** {@link verifyZip215}, off the event loop unless the exact check is needed. */
export async function verifyZip215Async(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (!couldBeValid(publicKey, signature)) return false
  return (
    (await platform.ed25519VerifyAsync(publicKey, message, signature)) ||
    verifyZip215Exact(publicKey, message, signature)
  )
}

/** Says whether bytes encode a point at all, by the lenient rule that both verifications use. */
export function isDecodablePoint(publicKey: Uint8Array): boolean {
  return decodePoint(publicKey) !== null
}

/** Cheap reasons for a no under either rule, before any curve arithmetic. */
export function couldBeValid(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return publicKey.length === 32 && signature.length === 64 && hasReducedScalar(signature)
}
