// SPDX-License-Identifier: Apache-2.0

/**
 * Authenticated encryption: ChaCha20-Poly1305 (RFC 8439) for Noise and WireGuard records, and
 * XChaCha20-Poly1305 for WireGuard cookies.
 *
 * @module
 */

import { platform } from '#platform'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { requireLength } from './errors.ts'

/** One ChaCha20-Poly1305 key, kept in the machine's own form: importing it costs more than using it. */
export interface Aead {
  /**
   * Returns ciphertext and 16-byte tag. The nonce of 12 bytes must never repeat under one key.
   * With `headroom`, that many zero bytes stand in front, for the caller's header.
   */
  seal(
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: Uint8Array,
    headroom?: number,
  ): Uint8Array
  /**
   * The same into room that the caller has: exactly as long as the plaintext and the tag, and apart from the
   * plaintext. Nothing is allocated.
   */
  sealInto(
    nonce: Uint8Array,
    associatedData: Uint8Array,
    plaintext: Uint8Array,
    out: Uint8Array,
  ): void
  /** Returns the plaintext, or null if anything was changed. */
  open(nonce: Uint8Array, associatedData: Uint8Array, ciphertext: Uint8Array): Uint8Array | null
}

/** Length of the tag that ends each ciphertext. */
export const AEAD_TAG_LENGTH = 16

/**
 * Creates a cipher for one 32-byte key.
 *
 * @throws CryptoError `bad-length`, here for the key and in its methods for the nonce
 */
export function createAead(key: Uint8Array): Aead {
  requireLength(key, 32, 'ChaCha20-Poly1305 key')
  const aead = platform.createAead(key)
  return {
    seal(nonce, associatedData, plaintext, headroom = 0) {
      requireLength(nonce, 12, 'ChaCha20-Poly1305 nonce')
      return aead.seal(nonce, associatedData, plaintext, headroom)
    },
    sealInto(nonce, associatedData, plaintext, out) {
      requireLength(nonce, 12, 'ChaCha20-Poly1305 nonce')
      requireLength(out, plaintext.length + AEAD_TAG_LENGTH, 'ChaCha20-Poly1305 output')
      aead.sealInto(nonce, associatedData, plaintext, out)
    },
    open(nonce, associatedData, ciphertext) {
      requireLength(nonce, 12, 'ChaCha20-Poly1305 nonce')
      if (ciphertext.length < AEAD_TAG_LENGTH) return null
      return aead.open(nonce, associatedData, ciphertext)
    },
  }
}

/**
 * Returns XChaCha20-Poly1305 ciphertext and tag; key of 32 bytes, nonce of 24.
 *
 * @throws CryptoError `bad-length`
 */
export function xchacha20Poly1305Seal(
  key: Uint8Array,
  nonce: Uint8Array,
  associatedData: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  requireLength(key, 32, 'XChaCha20-Poly1305 key')
  requireLength(nonce, 24, 'XChaCha20-Poly1305 nonce')
  return xchacha20poly1305(key, nonce, associatedData).encrypt(plaintext)
}

/**
 * Returns the plaintext of XChaCha20-Poly1305, or null if anything was changed.
 *
 * @throws CryptoError `bad-length`
 */
export function xchacha20Poly1305Open(
  key: Uint8Array,
  nonce: Uint8Array,
  associatedData: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array | null {
  requireLength(key, 32, 'XChaCha20-Poly1305 key')
  requireLength(nonce, 24, 'XChaCha20-Poly1305 nonce')
  if (ciphertext.length < AEAD_TAG_LENGTH) return null
  try {
    return xchacha20poly1305(key, nonce, associatedData).decrypt(ciphertext)
  } catch {
    // Lengths are right, so the only failure left is the tag.
    return null
  }
}
