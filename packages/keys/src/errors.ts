// SPDX-License-Identifier: Apache-2.0

/**
 * The one error of this package.
 *
 * @module
 */

/** Why a key was refused. These strings are API: never renamed, never reused. */
export type KeyErrorCode =
  /** Text is not this type of key. */
  | 'bad-key-text'
  /** Bytes are not this type of key. */
  | 'bad-key-bytes'
  /** The two halves of a private lock key do not belong together. */
  | 'mismatched-lock-key'

/** Thrown by every parser here. Never carries the refused text: it could be a private key. */
export class KeyError extends Error {
  override readonly name = 'KeyError'
  readonly code: KeyErrorCode
  constructor(code: KeyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
