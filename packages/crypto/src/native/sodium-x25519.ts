// SPDX-License-Identifier: Apache-2.0

/**
 * X25519 through libsodium. No faster than OpenSSL, but it takes raw bytes: in a handshake every
 * public key is new, and importing one into OpenSSL costs more than the agreement.
 *
 * @module
 */

import type { Sodium } from './sodium.ts'

/** Returns the public key of a private key. */
export function publicKeyWithSodium(sodium: Sodium, privateKey: Uint8Array): Uint8Array {
  const publicKey = new Uint8Array(32)
  sodium.crypto_scalarmult_base(publicKey, privateKey)
  return publicKey
}

/** Returns the shared secret; zeros if libsodium refuses the public key as of low order. */
export function agreeWithSodium(
  sodium: Sodium,
  privateKey: Uint8Array,
  publicKey: Uint8Array,
): Uint8Array {
  const secret = new Uint8Array(32)
  try {
    sodium.crypto_scalarmult(secret, privateKey, publicKey)
  } catch {
    // Lengths are right, so the one reason left is an all-zero result.
    return new Uint8Array(32)
  }
  return secret
}
