// SPDX-License-Identifier: Apache-2.0

/**
 * The one error of this package.
 *
 * @module
 */

/** Why an operation was refused. These strings are API: never renamed, never reused. */
export type CryptoErrorCode =
  /** A key, nonce or seed of the wrong length. */
  | 'bad-length'
  /** A key agreement with a public key that makes the secret known to everybody. */
  | 'low-order-point'
  /** A signature needs the slow exact check, and the caller's allowance of these is used up. */
  | 'slow-checks-exhausted'

/** Thrown when a contract is broken or an operation has no safe result. */
export class CryptoError extends Error {
  override readonly name = 'CryptoError'
  readonly code: CryptoErrorCode
  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * Throws unless the bytes have this length.
 *
 * @throws CryptoError `bad-length`
 */
export function requireLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length === length) return
  throw new CryptoError(
    'bad-length',
    `Cannot use ${what}: expected ${length} bytes, got ${bytes.length}`,
  )
}
