// SPDX-License-Identifier: Apache-2.0

/**
 * ChaCha20-Poly1305 through node:crypto. The key is imported once: recent versions of Node spend
 * more time on importing raw key bytes than on sealing a packet.
 *
 * @module
 */

import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import { AEAD_TAG_LENGTH, type Aead } from '../aead.ts'
import { bytesOf } from './bytes.ts'

const OPTIONS = { authTagLength: AEAD_TAG_LENGTH } as const

/** Creates a cipher for one key. */
export function createNativeAead(key: Uint8Array): Aead {
  const keyObject = createSecretKey(key)
  return {
    sealInto(nonce, associatedData, plaintext, out) {
      const cipher = createCipheriv('chacha20-poly1305', keyObject, nonce, OPTIONS)
      cipher.setAAD(associatedData, { plaintextLength: plaintext.length })
      out.set(cipher.update(plaintext), 0)
      cipher.final()
      out.set(cipher.getAuthTag(), plaintext.length)
    },
    seal(nonce, associatedData, plaintext, headroom = 0) {
      const cipher = createCipheriv('chacha20-poly1305', keyObject, nonce, OPTIONS)
      cipher.setAAD(associatedData, { plaintextLength: plaintext.length })
      const out = new Uint8Array(headroom + plaintext.length + AEAD_TAG_LENGTH)
      out.set(cipher.update(plaintext), headroom)
      cipher.final()
      out.set(cipher.getAuthTag(), headroom + plaintext.length)
      return out
    },
    open(nonce, associatedData, ciphertext) {
      const end = ciphertext.length - AEAD_TAG_LENGTH
      const decipher = createDecipheriv('chacha20-poly1305', keyObject, nonce, OPTIONS)
      decipher.setAAD(associatedData, { plaintextLength: end })
      decipher.setAuthTag(ciphertext.subarray(end))
      const plaintext = decipher.update(ciphertext.subarray(0, end))
      try {
        decipher.final()
      } catch {
        // The one thing `final` can find wrong with a stream cipher is the tag.
        return null
      }
      return bytesOf(plaintext)
    },
  }
}
