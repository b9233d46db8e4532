// SPDX-License-Identifier: Apache-2.0

/**
 * Everything that this package refuses, as one class with one list of codes.
 *
 * The list is the interface: clients of the admin API see the code, clients of the machine API see the
 * status and the sentence. The one table from code to HTTP status is here, total over the union.
 *
 * @module
 */

/** Why the server refused. */
export type ControlErrorCode =
  /** The request cannot be understood. */
  | 'bad-request'
  /** The request is larger than its limit. */
  | 'too-large'
  /** The request did not arrive in time. */
  | 'timeout'
  /** The caller is not who the request speaks for. */
  | 'unauthorized'
  /** The caller is known, but may not do this. */
  | 'forbidden'
  /** No such path, node, user, key or update. */
  | 'not-found'
  /** The path does not take this method. */
  | 'method-not-allowed'
  /** Something else changed first, or already exists. */
  | 'conflict'
  /** Something verifiable did not verify. */
  | 'invalid-signature'
  /** A limit of the protocol or of this server is reached. */
  | 'limit'
  /** Too often; try later. */
  | 'rate-limited'
  /** The client speaks a version that this server does not. */
  | 'old-client'
  /** The database refused; nothing was changed. */
  | 'store-failed'
  /** The state directory is in use by another process, or unusable. */
  | 'state-dir'
  /** The configuration cannot be used. */
  | 'bad-config'
  /** The policy cannot be used. */
  | 'bad-policy'
  /** A certificate authority gave no certificate. */
  | 'acme-failed'
  /** A feature that this server does not have. */
  | 'not-implemented'

/** An error of the coordination server. Tests and API clients look at `code`, people at `message`. */
export class ControlError extends Error {
  override readonly name = 'ControlError'
  readonly code: ControlErrorCode
  /** For 'rate-limited': seconds after which another try may succeed. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ControlErrorCode,
    message: string,
    options?: ErrorOptions & { retryAfterSeconds?: number },
  ) {
    super(message, options)
    this.code = code
    this.retryAfterSeconds = options?.retryAfterSeconds
  }
}

/** The HTTP status of each code: the only such table. */
export const httpStatus: Readonly<Record<ControlErrorCode, number>> = {
  'bad-request': 400,
  'too-large': 413,
  timeout: 408,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  conflict: 409,
  'invalid-signature': 400,
  limit: 409,
  'rate-limited': 429,
  'old-client': 400,
  'store-failed': 503,
  'state-dir': 503,
  'bad-config': 500,
  'bad-policy': 422,
  'acme-failed': 503,
  'not-implemented': 501,
}
