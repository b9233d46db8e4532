// SPDX-License-Identifier: Apache-2.0

/**
 * ChaCha20-Poly1305 through libsodium: one call for a packet.
 *
 * @module
 */

import { AEAD_TAG_LENGTH, type Aead } from '../aead.ts'
import type { Sodium } from './sodium.ts'

/** Creates a cipher for one key. */
export function createSodiumAead(sodium: Sodium, key: Uint8Array): Aead {
  // The owner of the array may use it for another key.
  const ownKey = Uint8Array.from(key)
  return {
    sealInto(nonce, associatedData, plaintext, out) {
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
        out,
        plaintext,
        associatedData,
        null,
        nonce,
        ownKey,
      )
    },
    seal(nonce, associatedData, plaintext, headroom = 0) {
      const out = new Uint8Array(headroom + plaintext.length + AEAD_TAG_LENGTH)
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
        headroom === 0 ? out : out.subarray(headroom),
        plaintext,
        associatedData,
        null,
        nonce,
        ownKey,
      )
      return out
    },
    open(nonce, associatedData, ciphertext) {
      const out = new Uint8Array(ciphertext.length - AEAD_TAG_LENGTH)
      try {
        sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
          out,
          null,
          ciphertext,
          associatedData,
          nonce,
          ownKey,
        )
      } catch {
        // Lengths are right, so the only failure left is the tag.
        return null
      }
      return out
    },
  }
}
