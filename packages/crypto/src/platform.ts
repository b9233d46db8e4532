// SPDX-License-Identifier: Apache-2.0

/**
 * What this package needs from the machine that it runs on. Two builds implement it: `native/`
 * (node:crypto, and libsodium where it is installed) and `portable/` (plain JavaScript, for browsers); the `imports` map of the manifest
 * picks one. Callers have checked all lengths.
 *
 * @module
 */

import type { Aead } from './aead.ts'
import type { Argon2Options } from './argon2.ts'

/** A signature to check, of the right lengths. */
export interface RawSignature {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/** The primitives that are worth having natively. */
export interface Platform {
  readonly name: 'native' | 'portable'

  blake2s256(data: Uint8Array): Uint8Array
  hmacBlake2s(key: Uint8Array, data: Uint8Array): Uint8Array
  sha256(data: Uint8Array): Uint8Array
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array

  ed25519PublicKey(seed: Uint8Array): Uint8Array
  ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array
  /**
   * The machine's own verification. Its yes counts under every rule set in use here (it recomputes
   * R and compares bytes, so the cofactored equation holds too). Its no does not count: platforms
   * differ on small-order and non-canonical points.
   */
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** The same, off the event loop where the machine can. */
  ed25519VerifyAsync(
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean>
  /** The same for many, in order, without holding up the event loop for more than milliseconds. */
  ed25519VerifyMany(items: readonly RawSignature[]): Promise<boolean[]>

  x25519PublicKey(privateKey: Uint8Array): Uint8Array
  /** Thirty-two zero bytes if the public key is of low order. */
  x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array

  createAead(key: Uint8Array): Aead
  argon2i(options: Argon2Options): Promise<Uint8Array>

  /** Resolves when everything else that waits for the event loop has had a turn. */
  nextTurn(): Promise<void>
}
