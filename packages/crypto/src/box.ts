// SPDX-License-Identifier: Apache-2.0

/**
 * NaCl's `crypto_box`: X25519, HSalsa20, XSalsa20-Poly1305. Peers of a relay and the discovery
 * protocol speak it. The box layer does not refuse low-order public keys, as the original does not.
 *
 * @module
 */

import { hsalsa } from '@noble/ciphers/salsa.js'
import nacl from 'tweetnacl'
import { requireLength } from './errors.ts'
import { x25519Unchecked } from './x25519.ts'

/** "expand 32-byte k", as four little-endian words. */
const SIGMA = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574)

/** Length of what a box is longer than its message. */
export const BOX_OVERHEAD = 16

/**
 * Returns the key of all boxes between a private and a public key; the same from either side.
 *
 * @throws CryptoError `bad-length`
 */
export function boxSharedKey(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const secret = wordsOf(x25519Unchecked(privateKey, publicKey))
  const words = new Uint32Array(8)
  hsalsa(SIGMA, secret, new Uint32Array(4), words)
  const key = new Uint8Array(32)
  const view = new DataView(key.buffer)
  for (let i = 0; i < 8; i++) view.setUint32(4 * i, words[i] ?? 0, true)
  return key
}

/**
 * Returns the box of a message: 16-byte tag, then ciphertext. The nonce of 24 bytes is not part of
 * it and must never repeat under one key.
 *
 * @throws CryptoError `bad-length`
 */
export function boxSeal(sharedKey: Uint8Array, nonce: Uint8Array, message: Uint8Array): Uint8Array {
  requireLength(sharedKey, 32, 'box key')
  requireLength(nonce, 24, 'box nonce')
  return nacl.secretbox(message, nonce, sharedKey)
}

/**
 * Returns the message of a box, or null if anything was changed.
 *
 * @throws CryptoError `bad-length`
 */
export function boxOpen(
  sharedKey: Uint8Array,
  nonce: Uint8Array,
  box: Uint8Array,
): Uint8Array | null {
  requireLength(sharedKey, 32, 'box key')
  requireLength(nonce, 24, 'box nonce')
  return nacl.secretbox.open(box, nonce, sharedKey)
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true))
}
