// SPDX-License-Identifier: Apache-2.0

/**
 * The native build: node:crypto (OpenSSL).
 *
 * @module
 */

import { argon2, createHmac, hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { Platform } from '../platform.ts'
import { createNativeAead } from './aead.ts'
import { bytesOf } from './bytes.ts'
import { publicKeyOfSeed, signWithSeed, verifyNative, verifyNativeAsync } from './ed25519.ts'
import { agree, publicKeyOfPrivate } from './x25519.ts'

/** Primitives of the Node runtime. */
export const platform: Platform = {
  name: 'native',

  blake2s256: (data) => bytesOf(hash('blake2s256', data, 'buffer')),
  hmacBlake2s: (key, data) => bytesOf(createHmac('blake2s256', key).update(data).digest()),
  sha256: (data) => bytesOf(hash('sha256', data, 'buffer')),
  hmacSha256: (key, data) => bytesOf(createHmac('sha256', key).update(data).digest()),

  ed25519PublicKey: publicKeyOfSeed,
  ed25519Sign: signWithSeed,
  ed25519Verify: verifyNative,
  ed25519VerifyAsync: verifyNativeAsync,

  x25519PublicKey: publicKeyOfPrivate,
  x25519: agree,

  createAead: createNativeAead,

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
