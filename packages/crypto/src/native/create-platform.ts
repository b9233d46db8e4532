// SPDX-License-Identifier: Apache-2.0

/**
 * The native build, with or without libsodium.
 *
 * @module
 */

import { argon2, createHmac, hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { Platform } from '../platform.ts'
import { createNativeAead } from './aead.ts'
import { bytesOf } from './bytes.ts'
import { publicKeyOfSeed, signWithSeed, verifyNative, verifyNativeAsync } from './ed25519.ts'
import { createSodiumAead } from './sodium-aead.ts'
import { agreeWithSodium, publicKeyWithSodium } from './sodium-x25519.ts'
import type { FindSodium } from './sodium.ts'
import {
  createSodiumQueue,
  verifyManyInPool,
  type VerifyMany,
  verifyWithSodium,
} from './verify-many.ts'
import { agree, publicKeyOfPrivate } from './x25519.ts'

/** Returns the primitives; libsodium is looked for when it is first of use. */
export function createNativePlatform(findSodium: FindSodium): Platform {
  let verifyMany: VerifyMany | undefined
  return {
    name: 'native',

    blake2s256: (data) => bytesOf(hash('blake2s256', data, 'buffer')),
    hmacBlake2s: (key, data) => bytesOf(createHmac('blake2s256', key).update(data).digest()),
    sha256: (data) => bytesOf(hash('sha256', data, 'buffer')),
    hmacSha256: (key, data) => bytesOf(createHmac('sha256', key).update(data).digest()),

    ed25519PublicKey: publicKeyOfSeed,
    ed25519Sign: signWithSeed,
    ed25519Verify(publicKey, message, signature) {
      const sodium = findSodium()
      return sodium
        ? verifyWithSodium(sodium, publicKey, message, signature)
        : verifyNative(publicKey, message, signature)
    },
    ed25519VerifyAsync: verifyNativeAsync,
    ed25519VerifyMany(items) {
      const sodium = findSodium()
      if (!sodium) return verifyManyInPool(items)
      verifyMany ??= createSodiumQueue(sodium)
      return verifyMany(items)
    },

    x25519PublicKey(privateKey) {
      const sodium = findSodium()
      return sodium ? publicKeyWithSodium(sodium, privateKey) : publicKeyOfPrivate(privateKey)
    },
    x25519(privateKey, publicKey) {
      const sodium = findSodium()
      return sodium ? agreeWithSodium(sodium, privateKey, publicKey) : agree(privateKey, publicKey)
    },

    createAead(key) {
      const sodium = findSodium()
      return sodium ? createSodiumAead(sodium, key) : createNativeAead(key)
    },

    nextTurn: async () => await setImmediate(),

    argon2i: ({ password, salt, passes, memoryKiB, parallelism, length }) =>
      new Promise((resolve, reject) => {
        const parameters = {
          message: password,
          nonce: salt,
          passes,
          memory: memoryKiB,
          parallelism,
          tagLength: length,
        }
        argon2('argon2i', parameters, (error, tag) => {
          if (error) reject(error)
          else resolve(bytesOf(tag))
        })
      }),
  }
}
