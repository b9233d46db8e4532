// SPDX-License-Identifier: Apache-2.0

/**
 * The one error class of this package, and every reason why a message is refused.
 *
 * @module
 */

/**
 * Why a message was refused, or what a caller did wrong. The first group is about datagrams and is
 * never shown to the sender: the device drops them silently and only counts.
 */
export type WireguardErrorCode =
  // datagrams
  /** The first byte names no message, or the length does not fit it. */
  | 'unknown-type'
  /** Not for this key, or not sealed by somebody who knows it. */
  | 'bad-mac1'
  /** A public key that forces an all-zero secret. */
  | 'low-order-point'
  /** A ciphertext that does not open. */
  | 'not-decryptable'
  /** A valid handshake of a key that is no peer. */
  | 'unknown-peer'
  /** An initiation that is not newer than the last one of that peer. */
  | 'stale-timestamp'
  /** Initiations of one peer in shorter intervals than allowed. */
  | 'initiation-flood'
  /** A handshake without a valid cookie while there are too many; a cookie was answered. */
  | 'under-load'
  /** Too many handshakes from one address while there are too many at all. */
  | 'rate-limited'
  /** A message to a session or handshake that is not there. */
  | 'unknown-index'
  /** A cookie that nobody asked for. */
  | 'unexpected-cookie'
  /** A message of a session that is too old or has carried too much. */
  | 'session-expired'
  /** A counter that was seen before or is too far behind. */
  | 'replayed-counter'
  /** The packet inside is no IP packet, or longer than what it came in. */
  | 'bad-inner-packet'
  /** The packet inside comes from an address that is not of this peer. */
  | 'source-not-allowed'
  // callers
  /** A private key that is not 32 bytes. */
  | 'bad-key'
  /** An allowed address that is no prefix. */
  | 'bad-prefix'
  /** The device was closed. */
  | 'closed'

/** The error of this package; match on `code`, not on the message. */
export class WireguardError extends Error {
  override readonly name = 'WireguardError'
  readonly code: WireguardErrorCode

  constructor(code: WireguardErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
