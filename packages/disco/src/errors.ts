// SPDX-License-Identifier: Apache-2.0

/**
 * The one error class of this package.
 *
 * @module
 */

/**
 * What went wrong.
 *
 * - `not-disco`: a packet without the mark of discovery, or too short for it.
 * - `bad-box`: a box that does not open: changed, or not made for us by the key it names.
 * - `truncated`: a message shorter than its type needs.
 * - `unknown-type`: a message of a type that is not known.
 * - `bad-length`: a list of endpoints that does not end where an endpoint ends.
 */
export type DiscoErrorCode = 'not-disco' | 'bad-box' | 'truncated' | 'unknown-type' | 'bad-length'

/** Thrown for everything that a peer, or whoever says to be one, can do wrong. */
export class DiscoError extends Error {
  override readonly name = 'DiscoError'
  readonly code: DiscoErrorCode
  constructor(code: DiscoErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options)
    this.code = code
  }
}
