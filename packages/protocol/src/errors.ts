// SPDX-License-Identifier: Apache-2.0

/**
 * The one error class of this package.
 *
 * @module
 */

/**
 * What went wrong.
 *
 * - `syntax`: the text is not JSON.
 * - `type`: valid JSON of the wrong kind (text where a number belongs, 5.0 where an integer belongs).
 * - `value`: the right kind, but not a value of the field (a malformed key, time, address, base64).
 * - `too-deep`: nested beyond the limit.
 * - `too-large`: longer than the limit.
 * - `frame`: a map stream that is cut or cannot be decompressed.
 * - `encode`: a value that has no text form.
 * - `session`: a map message that may not come at this point.
 * - `api-refused`: a local or admin API answered with an error; the message is what it said.
 * - `api-denied`: a local API answered 403: this user may not do that.
 */
export type ProtocolErrorCode =
  | 'syntax'
  | 'type'
  | 'value'
  | 'too-deep'
  | 'too-large'
  | 'frame'
  | 'encode'
  | 'session'
  | 'api-refused'
  | 'api-denied'

/** Thrown by every parser and encoder of this package; tests and callers look at `code` only. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode
  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
