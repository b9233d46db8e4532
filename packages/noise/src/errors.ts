// SPDX-License-Identifier: Apache-2.0

/**
 * The one error class of this package.
 *
 * @module
 */

/**
 * What went wrong.
 *
 * - `wrong-size`, `wrong-type`, `wrong-length`: the shape of a handshake message. A server answers
 *   these, and only these, with a message of its own (`reply`).
 * - `decrypt`: a ciphertext that does not open; somebody changed it or it is for someone else.
 * - `low-order-point`: a public key that forces an all-zero secret.
 * - `refused`: the server answered with an error message.
 * - `too-large`: a record beyond the limit.
 * - `exhausted`: all record counters are used up.
 * - `truncated`: the stream ended inside a message.
 * - `closed`: the record layer failed or ended before.
 * - `early-payload`: a malformed early payload.
 */
export type NoiseErrorCode =
  | 'wrong-size'
  | 'wrong-type'
  | 'wrong-length'
  | 'decrypt'
  | 'low-order-point'
  | 'refused'
  | 'too-large'
  | 'exhausted'
  | 'truncated'
  | 'closed'
  | 'early-payload'

/** Settings of a {@link NoiseError}. */
export interface NoiseErrorOptions extends ErrorOptions {
  readonly reply?: Uint8Array
}

/** Thrown for everything that a peer can do wrong. */
export class NoiseError extends Error {
  override readonly name = 'NoiseError'
  readonly code: NoiseErrorCode
  /** What a server has to send before it closes the connection; nothing in most cases. */
  readonly reply: Uint8Array | undefined
  constructor(code: NoiseErrorCode, message: string, options: NoiseErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.reply = options.reply
  }
}
