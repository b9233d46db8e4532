// SPDX-License-Identifier: Apache-2.0

/**
 * The running hash and chain key of a handshake. WireGuard paper, section 5.4.1; Noise Protocol
 * Framework, section 5.2, with BLAKE2s, ChaCha20-Poly1305 and X25519.
 *
 * @module
 */

import { concatBytes, encodeUtf8 } from '@signet/codec'
import {
  blake2s256,
  CryptoError,
  createAead,
  hkdfBlake2s,
  x25519SharedSecret,
} from '@signet/crypto'
import { WireguardError } from './wireguard-error.ts'

const EMPTY = new Uint8Array(0)
const ZERO_NONCE = new Uint8Array(12)

/** Chain key that every handshake starts from: the hash of the protocol's name. */
export const INITIAL_CHAIN_KEY: Uint8Array = blake2s256(
  encodeUtf8('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s'),
)

/** Hash that every handshake starts from, before the responder's key is mixed in. */
export const INITIAL_HASH: Uint8Array = blake2s256(
  concatBytes(INITIAL_CHAIN_KEY, encodeUtf8('WireGuard v1 zx2c4 Jason@zx2c4.com')),
)

/**
 * Returns the shared secret of two keys.
 *
 * @throws WireguardError `low-order-point` when it would be all zeros.
 */
export function sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  try {
    return x25519SharedSecret(privateKey, publicKey)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new WireguardError('low-order-point', 'Cannot agree on a key: the point has low order', {
      cause,
    })
  }
}

/** Hash and chain key of one handshake, moved on by each token of the pattern. */
export class SymmetricState {
  chainKey: Uint8Array
  hash: Uint8Array

  private constructor(chainKey: Uint8Array, hash: Uint8Array) {
    this.chainKey = chainKey.slice()
    this.hash = hash
  }

  /** Returns the state at the start of a handshake with the owner of this key as responder. */
  static start(responderPublicKey: Uint8Array): SymmetricState {
    const state = new SymmetricState(INITIAL_CHAIN_KEY, INITIAL_HASH)
    state.mixHash(responderPublicKey)
    return state
  }

  /** Mixes public data into the hash. */
  mixHash(data: Uint8Array): void {
    this.hash = blake2s256(concatBytes(this.hash, data))
  }

  /** Mixes a secret into the chain key. */
  mixKey(secret: Uint8Array): void {
    this.#derive(secret, 1)
  }

  /** Mixes a curve agreement into the chain key, without a key to seal with. */
  mixAgreement(privateKey: Uint8Array, publicKey: Uint8Array): void {
    const shared = sharedSecret(privateKey, publicKey)
    this.mixKey(shared)
    shared.fill(0)
  }

  /** Mixes a secret and seals with the key that comes out; the hash takes in what was sealed. */
  mixKeyAndSeal(secret: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const [key] = this.#derive(secret, 2)
    const sealed = createAead(key).seal(ZERO_NONCE, this.hash, plaintext)
    key.fill(0)
    this.mixHash(sealed)
    return sealed
  }

  /**
   * The reverse of {@link mixKeyAndSeal}.
   *
   * @throws WireguardError `not-decryptable`.
   */
  mixKeyAndOpen(secret: Uint8Array, sealed: Uint8Array): Uint8Array {
    const [key] = this.#derive(secret, 2)
    return this.#open(key, sealed)
  }

  /** Mixes the pre-shared key (pattern token `psk`) and seals the empty text that confirms it. */
  mixPresharedAndSeal(presharedKey: Uint8Array): Uint8Array {
    const key = this.#mixPreshared(presharedKey)
    const sealed = createAead(key).seal(ZERO_NONCE, this.hash, EMPTY)
    key.fill(0)
    this.mixHash(sealed)
    return sealed
  }

  /**
   * The reverse of {@link mixPresharedAndSeal}.
   *
   * @throws WireguardError `not-decryptable`, also when the pre-shared keys differ.
   */
  mixPresharedAndOpen(presharedKey: Uint8Array, sealed: Uint8Array): void {
    this.#open(this.#mixPreshared(presharedKey), sealed)
  }

  /** Returns the two transport keys: initiator to responder, then responder to initiator. */
  split(): {
    readonly initiatorToResponder: Uint8Array
    readonly responderToInitiator: Uint8Array
  } {
    const [first, second] = hkdfBlake2s(this.chainKey, EMPTY, 2)
    if (first === undefined || second === undefined) throw new TypeError('Expected two keys')
    return { initiatorToResponder: first, responderToInitiator: second }
  }

  /** Returns a copy that moves on by itself. */
  clone(): SymmetricState {
    return new SymmetricState(this.chainKey, this.hash)
  }

  /** Overwrites the chain key, the only secret here. */
  wipe(): void {
    this.chainKey.fill(0)
  }

  #mixPreshared(presharedKey: Uint8Array): Uint8Array {
    const [mixed, key] = this.#derive(presharedKey, 3)
    this.mixHash(mixed)
    mixed.fill(0)
    return key
  }

  #open(key: Uint8Array, sealed: Uint8Array): Uint8Array {
    const plaintext = createAead(key).open(ZERO_NONCE, this.hash, sealed)
    key.fill(0)
    if (plaintext === null) {
      throw new WireguardError('not-decryptable', 'Cannot read handshake: authentication failed')
    }
    this.mixHash(sealed)
    return plaintext
  }

  /** Replaces the chain key by the first output; returns the others. */
  #derive(secret: Uint8Array, outputs: 1 | 2 | 3): [Uint8Array, Uint8Array] {
    const [chainKey, second, third] = hkdfBlake2s(this.chainKey, secret, outputs)
    if (chainKey === undefined) throw new TypeError('Expected a chain key')
    this.chainKey.fill(0)
    this.chainKey = chainKey
    return [second ?? EMPTY, third ?? EMPTY]
  }
}
