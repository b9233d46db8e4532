// SPDX-License-Identifier: Apache-2.0

/**
 * X25519 key agreement (RFC 7748).
 *
 * @module
 */

import { platform } from '#platform'
import { CryptoError, requireLength } from './errors.ts'

/**
 * Returns the public key of a 32-byte private key (clamped inside, as the RFC says).
 *
 * @throws CryptoError `bad-length`
 */
export function x25519PublicKey(privateKey: Uint8Array): Uint8Array {
  requireLength(privateKey, 32, 'X25519 private key')
  return platform.x25519PublicKey(privateKey)
}

/**
 * Returns the shared secret, 32 bytes.
 *
 * @throws CryptoError `low-order-point` if the public key forces an all-zero secret; `bad-length`
 */
export function x25519SharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const secret = x25519Unchecked(privateKey, publicKey)
  if (secret.every((byte) => byte === 0)) {
    throw new CryptoError('low-order-point', 'Cannot agree on a secret: public key of low order')
  }
  return secret
}

/** The shared secret, all-zero if the public key forces it: only for NaCl's box, which accepts it. */
export function x25519Unchecked(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  requireLength(privateKey, 32, 'X25519 private key')
  requireLength(publicKey, 32, 'X25519 public key')
  return platform.x25519(privateKey, publicKey)
}

/**
 * Returns a copy of a private key with the RFC's fixed bits set: the form in which keys are stored.
 *
 * @throws CryptoError `bad-length`
 */
export function clampX25519(privateKey: Uint8Array): Uint8Array {
  requireLength(privateKey, 32, 'X25519 private key')
  const out = new Uint8Array(privateKey)
  out[0] = (out[0] ?? 0) & 248
  out[31] = ((out[31] ?? 0) & 127) | 64
  return out
}
