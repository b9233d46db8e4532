// SPDX-License-Identifier: Apache-2.0

/**
 * Logging. A logger is passed in; what goes into it never holds a secret: keys are objects that do
 * not print, and auth keys and disablement secrets are not put into messages.
 *
 * @module
 */

/** What the node logs to; a pino logger fits. */
export type NodeLog = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A logger that says nothing. */
export const silentLog: NodeLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}
