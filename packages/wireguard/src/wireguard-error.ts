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
  | 'unknown-type'
  | 'bad-mac1'
  | 'low-order-point'
  | 'not-decryptable'
  | 'unknown-peer'
  | 'stale-timestamp'
  | 'initiation-flood'
  | 'under-load'
  | 'rate-limited'
  | 'unknown-index'
  | 'unexpected-cookie'
  | 'session-expired'
  | 'replayed-counter'
  | 'bad-inner-packet'
  | 'source-not-allowed'
  // callers
  | 'bad-key'
  | 'bad-prefix'
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
