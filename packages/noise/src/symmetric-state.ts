// SPDX-License-Identifier: Apache-2.0

/**
 * The Noise protocol's symmetric state for ChaCha20-Poly1305 and BLAKE2s.
 *
 * Each key of the handshake seals exactly one message, so the nonce is always zero.
 *
 * @module
 */

import { concatBytes, encodeUtf8 } from '@signet/codec'
import {
  type Aead,
  blake2s256,
  createAead,
  CryptoError,
  hkdfBlake2s,
  x25519SharedSecret,
} from '@signet/crypto'
import { NoiseError } from './errors.ts'

const PROTOCOL_NAME = 'Noise_IK_25519_ChaChaPoly_BLAKE2s'
const ZERO_NONCE = new Uint8Array(12)
const EMPTY = new Uint8Array()

/** Hash and chaining key of a running handshake. */
export class SymmetricState {
  #hash: Uint8Array
  #chainingKey: Uint8Array

  /** Starts with the protocol's name, which is longer than a hash and so is hashed. */
  constructor() {
    this.#hash = blake2s256(encodeUtf8(PROTOCOL_NAME))
    this.#chainingKey = this.#hash
  }

  /** A commitment to everything so far. */
  get hash(): Uint8Array {
    return this.#hash
  }

  get chainingKey(): Uint8Array {
    return this.#chainingKey
  }

  mixHash(data: Uint8Array): void {
    this.#hash = blake2s256(concatBytes(this.#hash, data))
  }

  /**
   * Mixes a shared secret into the chaining key and returns the cipher for the next message.
   *
   * @throws NoiseError `low-order-point`
   */
  mixSharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Aead {
    const [chainingKey, key] = twoKeys(this.#chainingKey, sharedSecret(privateKey, publicKey))
    this.#chainingKey = chainingKey
    return createAead(key)
  }

  /** Seals a plaintext under everything so far. */
  encryptAndHash(cipher: Aead, plaintext: Uint8Array): Uint8Array {
    const ciphertext = cipher.seal(ZERO_NONCE, this.#hash, plaintext)
    this.mixHash(ciphertext)
    return ciphertext
  }

  /**
   * Opens a ciphertext that was sealed in the same state.
   *
   * @throws NoiseError `decrypt`
   */
  decryptAndHash(cipher: Aead, ciphertext: Uint8Array, what: string): Uint8Array {
    const plaintext = cipher.open(ZERO_NONCE, this.#hash, ciphertext)
    if (plaintext === null) throw new NoiseError('decrypt', `Cannot decrypt ${what}`)
    this.mixHash(ciphertext)
    return plaintext
  }

  /** Ends the handshake: the key for what the client sends, then the key for the server. */
  split(): readonly [Uint8Array, Uint8Array] {
    return twoKeys(this.#chainingKey, EMPTY)
  }
}

function twoKeys(salt: Uint8Array, input: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const [first, second] = hkdfBlake2s(salt, input, 2)
  if (first === undefined || second === undefined) throw new TypeError('hkdf gave too few keys')
  return [first, second]
}

function sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  try {
    return x25519SharedSecret(privateKey, publicKey)
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
    throw new NoiseError('low-order-point', 'Cannot agree on a key with this public key', {
      cause: error,
    })
  }
}
