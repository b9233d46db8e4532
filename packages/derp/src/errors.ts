// SPDX-License-Identifier: Apache-2.0

/**
 * The one error class of this package.
 *
 * @module
 */

/**
 * What went wrong.
 *
 * - `too-large`: a frame or packet beyond its limit.
 * - `bad-frame`: a frame whose length does not fit its type, or that is out of turn.
 * - `truncated`: the stream ended inside a frame.
 * - `bad-greeting`: a first frame that is not a relay's.
 * - `zero-key`: an all-zero public key, with which anybody could open every box.
 * - `bad-box`: a box that does not open: changed, or made by somebody else.
 * - `bad-info`: a box that does not hold what it should.
 * - `not-admitted`: a key that may not use this relay.
 * - `not-permitted`: a frame for which the mesh key is needed.
 * - `own-relay`: a link of a relay to itself.
 * - `closed`: used after its end.
 * - `bad-stun`: a packet that is not the STUN message that was expected.
 */
export type DerpErrorCode =
  | 'too-large'
  | 'bad-frame'
  | 'truncated'
  | 'bad-greeting'
  | 'zero-key'
  | 'bad-box'
  | 'bad-info'
  | 'not-admitted'
  | 'not-permitted'
  | 'own-relay'
  | 'closed'
  | 'bad-stun'

/** Thrown for everything that a peer can do wrong. */
export class DerpError extends Error {
  override readonly name = 'DerpError'
  readonly code: DerpErrorCode
  constructor(code: DerpErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options)
    this.code = code
  }
}
