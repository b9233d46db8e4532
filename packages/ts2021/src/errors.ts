// SPDX-License-Identifier: Apache-2.0

/**
 * The one error class of this package.
 *
 * @module
 */

/**
 * What went wrong.
 *
 * - `bad-upgrade`: the request is not an upgrade to the control protocol, or the answer to ours is
 *   not one.
 * - `handshake`: the Noise handshake failed; `cause` is the NoiseError.
 * - `bad-key-response`: the server's answer to `GET /key` has no usable key.
 * - `body-too-large`: a request or response body beyond its limit.
 * - `timeout`: nothing came in time.
 * - `closed`: the connection or stream ended too early.
 * - `unreachable`: no connection to the server.
 */
export type Ts2021ErrorCode =
  | 'bad-upgrade'
  | 'handshake'
  | 'bad-key-response'
  | 'body-too-large'
  | 'timeout'
  | 'closed'
  | 'unreachable'

/** Thrown by everything in this package. */
export class Ts2021Error extends Error {
  override readonly name = 'Ts2021Error'
  readonly code: Ts2021ErrorCode
  constructor(code: Ts2021ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
