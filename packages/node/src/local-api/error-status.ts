// SPDX-License-Identifier: Apache-2.0

/**
 * The one table from error codes to HTTP statuses of the local API.
 *
 * @module
 */

import { NodeError, type NodeErrorCode } from '../errors.ts'

const statuses: Readonly<Record<NodeErrorCode, number>> = {
  'state-corrupt': 500,
  'state-io': 500,
  'state-in-use': 500,
  'control-refused': 502,
  'control-rate-limited': 503,
  'control-protocol': 502,
  'control-unreachable': 503,
  'not-logged-in': 409,
  'lock-off': 409,
  'lock-on': 409,
  'lock-broken': 409,
  'lock-pin-mismatch': 409,
  'lock-disallowed': 409,
  'lock-not-trusted': 403,
  'lock-wrong-secret': 403,
  'lock-rate-limited': 429,
  'lock-conflict': 409,
  'lock-not-allowed': 403,
  'lock-unknown-node-keys': 409,
  'secret-as-value': 400,
  'bad-argument': 400,
  'not-found': 404,
  timeout: 504,
  closed: 503,
}

/** The HTTP status that says what kind of failure this was; 500 for anything unforeseen. */
export function statusOfError(error: unknown): number {
  return error instanceof NodeError ? statuses[error.code] : 500
}
