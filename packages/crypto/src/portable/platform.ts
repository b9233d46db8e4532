// SPDX-License-Identifier: Apache-2.0

/**
 * The portable build: audited JavaScript, no machine underneath.
 *
 * @module
 */

import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { argon2iAsync } from '@noble/hashes/argon2.js'
import { blake2s } from '@noble/hashes/blake2.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Aead } from '../aead.ts'
import { verifyStandardExact } from '../ed25519-exact.ts'
import type { Platform } from '../platform.ts'

/** Primitives in plain JavaScript. */
export const platform: Platform = {
  name: 'portable',

  blake2s256: (data) => blake2s(data),
  hmacBlake2s: (key, data) => hmac(blake2s, key, data),
  sha256: (data) => sha256(data),
  hmacSha256: (key, data) => hmac(sha256, key, data),

  ed25519PublicKey: (seed) => ed25519.getPublicKey(seed),
  ed25519Sign: (seed, message) => ed25519.sign(message, seed),
  ed25519Verify: verifyStandardExact,
  ed25519VerifyAsync: async (publicKey, message, signature) =>
    await Promise.resolve(verifyStandardExact(publicKey, message, signature)),
  async ed25519VerifyMany(items) {
    const answers: boolean[] = []
    for (const { publicKey, message, signature } of items) {
      // Each takes milliseconds.
      await nextTurn()
      answers.push(verifyStandardExact(publicKey, message, signature))
    }
    return answers
  },

  x25519PublicKey: (privateKey) => x25519.getPublicKey(privateKey),
  x25519(privateKey, publicKey) {
    try {
      return x25519.getSharedSecret(privateKey, publicKey)
    } catch {
      // Lengths are right, so the one reason left is an all-zero result.
      return new Uint8Array(32)
    }
  },

  createAead,

  nextTurn,

  argon2i: ({ password, salt, passes, memoryKiB, parallelism, length }) =>
    argon2iAsync(password, salt, { t: passes, m: memoryKiB, p: parallelism, dkLen: length }),
}

async function nextTurn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, 0)
  })
}

function createAead(key: Uint8Array): Aead {
  const ownKey = new Uint8Array(key)
  return {
    sealInto(nonce, associatedData, plaintext, out) {
      out.set(chacha20poly1305(ownKey, nonce, associatedData).encrypt(plaintext))
    },
    seal(nonce, associatedData, plaintext, headroom = 0) {
      const sealed = chacha20poly1305(ownKey, nonce, associatedData).encrypt(plaintext)
      if (headroom === 0) return sealed
      const out = new Uint8Array(headroom + sealed.length)
      out.set(sealed, headroom)
      return out
    },
    open(nonce, associatedData, ciphertext) {
      try {
        return chacha20poly1305(ownKey, nonce, associatedData).decrypt(ciphertext)
      } catch {
        // Lengths are right, so the only failure left is the tag.
        return null
      }
    },
  }
}
