// SPDX-License-Identifier: Apache-2.0

/**
 * Ed25519 through node:crypto.
 *
 * @module
 */

import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { bytesOf } from './bytes.ts'
import { createKeyCache } from './key-cache.ts'

/** SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 bytes }, without the 32 bytes. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
/** SEQUENCE { 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING { OCTET STRING of 32 bytes } }, without. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

const importPublicKey = createKeyCache(SPKI_PREFIX, 4096)

/** Returns the public key of a seed. */
export function publicKeyOfSeed(seed: Uint8Array): Uint8Array {
  const spki = createPublicKey(importSeed(seed)).export({ format: 'der', type: 'spki' })
  return bytesOf(spki.subarray(SPKI_PREFIX.length))
}

/** Returns the signature of a message. */
export function signWithSeed(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return bytesOf(sign(null, message, importSeed(seed)))
}

/** Says whether OpenSSL accepts a signature. */
export function verifyNative(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verify(null, message, importPublicKey(publicKey), signature)
}

/** The same, on libuv's thread pool. */
export async function verifyNativeAsync(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const key = importPublicKey(publicKey)
  return await new Promise((resolve, reject) => {
    verify(null, message, key, signature, (error, valid) => {
      if (error) reject(error)
      else resolve(valid)
    })
  })
}

function importSeed(seed: Uint8Array): KeyObject {
  const key = Buffer.concat([PKCS8_PREFIX, seed])
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
}
