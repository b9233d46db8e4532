// SPDX-License-Identifier: Apache-2.0

/**
 * Forging Ed25519 signatures under public keys of small order: with s of one's own choice and R = [s]B the check
 * [s]B = R + [h]A holds whenever [h]A is the neutral point, which for a point of order four is every fourth h.
 *
 * @module
 */

import { createHash, randomBytes } from 'node:crypto'
import { ed25519PublicKey, ed25519Sign, verifyStandard } from '@signet/crypto'

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
const TRIES = 500

/** Returns a signature of `message` that Go's rule accepts under the public key, made without any private key. */
export function guessUnderSmallOrder(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  for (let i = 0; i < TRIES; i++) {
    const signature = guess()
    if (verifyStandard(publicKey, message, signature)) return signature
  }
  throw new Error(`Cannot forge: none of ${TRIES} guesses was good`)
}

/**
 * A random s with its point R. The point comes from a real signature S = r + h*a by a key of our own: taking the
 * key's part away leaves r, whose point is R.
 */
function guess(): Uint8Array {
  const seed = new Uint8Array(randomBytes(32))
  const message = new Uint8Array(1)
  const signature = ed25519Sign(seed, message)
  const R = signature.slice(0, 32)
  const scalar = sha512(seed).slice(0, 32)
  scalar[0] = (scalar[0] ?? 0) & 248
  scalar[31] = ((scalar[31] ?? 0) & 127) | 64
  const h = number(sha512(R, ed25519PublicKey(seed), message))
  const r = (number(signature.slice(32)) - h * number(scalar)) % ORDER
  const out = new Uint8Array(64)
  out.set(R)
  for (let i = 32, rest = r < 0n ? r + ORDER : r; i < 64; i++, rest >>= 8n) {
    out[i] = Number(rest & 255n)
  }
  return out
}

function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

function number(littleEndian: Uint8Array): bigint {
  return littleEndian.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}
