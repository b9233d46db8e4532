// SPDX-License-Identifier: Apache-2.0

/**
 * The one error class of this package. Callers and tests look at `code`, never at the text.
 *
 * @module
 */

/** Every way an operation of the node fails on purpose. Codes are API: listed here, never reused. */
export type NodeErrorCode =
  /** The state file cannot be understood; it is left as it is. */
  | 'state-corrupt'
  /** The state file or a directory cannot be read or written. */
  | 'state-io'
  /** Another node process holds the state directory. */
  | 'state-in-use'
  /** The control server answered with something other than success. */
  | 'control-refused'
  /** The control server asks to slow down; `retryAfterMs` says how long. */
  | 'control-rate-limited'
  /** The control server answered something that is not of the protocol. */
  | 'control-protocol'
  /** The connection to the control server failed or went silent. */
  | 'control-unreachable'
  /** The node has no login yet. */
  | 'not-logged-in'
  /** The tailnet lock is not on at this node. */
  | 'lock-off'
  /** The tailnet lock is already on at this node. */
  | 'lock-on'
  /** The stored authority is missing or damaged; every peer is refused. */
  | 'lock-broken'
  /** The lock offered by the server is not the pinned one. */
  | 'lock-pin-mismatch'
  /** This node opted out of that lock with local-disable. */
  | 'lock-disallowed'
  /** This node's lock key is not among the trusted keys. */
  | 'lock-not-trusted'
  /** A disablement secret does not match. */
  | 'lock-wrong-secret'
  /** Too many disablement secrets were tried. */
  | 'lock-rate-limited'
  /** The server moved on while a change was under way, or did not take it. */
  | 'lock-conflict'
  /** The tailnet has not been given the lock capability by its server. */
  | 'lock-not-allowed'
  /** The server asked for signatures of keys that this node does not know. */
  | 'lock-unknown-node-keys'
  /** A secret was given where a value that becomes public is expected. */
  | 'secret-as-value'
  /** An argument is not understood. */
  | 'bad-argument'
  /** Nothing of that name. */
  | 'not-found'
  /** No answer in time. */
  | 'timeout'
  /** The node was closed. */
  | 'closed'

/** An operation of the node that failed on purpose; see {@link NodeErrorCode}. */
export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly code: NodeErrorCode
  /** For `control-rate-limited`: how long to wait. */
  readonly retryAfterMs: number | undefined
  /** For `control-refused`: the HTTP status, when it was not 200. */
  readonly status: number | undefined

  constructor(
    code: NodeErrorCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number; readonly status?: number } = {},
  ) {
    super(message, options)
    this.code = code
    this.retryAfterMs = options.retryAfterMs
    this.status = options.status
  }
}

/** The text of any thrown value, for messages that wrap it. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
