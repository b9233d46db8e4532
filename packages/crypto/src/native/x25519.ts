// SPDX-License-Identifier: Apache-2.0

/**
 * X25519 through node:crypto.
 *
 * @module
 */

import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto'
import { bytesOf } from './bytes.ts'
import { createKeyCache } from './key-cache.ts'

/** SEQUENCE { SEQUENCE { OID 1.3.101.110 }, BIT STRING of 32 bytes }, without the 32 bytes. */
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex')
/** SEQUENCE { 0, SEQUENCE { OID 1.3.101.110 }, OCTET STRING { OCTET STRING of 32 bytes } }, without. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex')

const importPublicKey = createKeyCache(SPKI_PREFIX, 4096)

/**
 * Imported private keys, for as long as their owner keeps the array: long-lived keys are imported
 * once, and the short-lived ones of a handshake leave with it. The copy guards against an owner
 * that reuses its array for another key.
 */
const privateKeys = new WeakMap<Uint8Array, { readonly raw: Buffer; readonly key: KeyObject }>()

/** Returns the public key of a private key. */
export function publicKeyOfPrivate(privateKey: Uint8Array): Uint8Array {
  const publicKey = createPublicKey(importPrivateKey(privateKey))
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  return bytesOf(spki.subarray(SPKI_PREFIX.length))
}

/** Returns the shared secret; zeros if OpenSSL refuses the public key as of low order. */
export function agree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const keys = {
    privateKey: importPrivateKey(privateKey),
    publicKey: importPublicKey(publicKey),
  }
  try {
    return bytesOf(diffieHellman(keys))
  } catch (error) {
    if (isDerivationFailure(error)) return new Uint8Array(32)
    throw error
  }
}

function isDerivationFailure(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && error.code === 'ERR_OSSL_FAILED_DURING_DERIVATION'
  )
}

function importPrivateKey(privateKey: Uint8Array): KeyObject {
  const known = privateKeys.get(privateKey)
  if (known?.raw.equals(privateKey)) return known.key
  const raw = Buffer.from(privateKey)
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, raw]),
    format: 'der',
    type: 'pkcs8',
  })
  privateKeys.set(privateKey, { raw, key })
  return key
}
