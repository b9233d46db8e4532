// SPDX-License-Identifier: Apache-2.0

/**
 * The server's logger: pino, one JSON object a line, to whoever takes lines.
 *
 * @module
 */

import { pino, type Logger } from 'pino'

/** Returns a logger whose lines go to `write`, each with its line break. */
export function createLogger(level: string, write: (line: string) => void): Logger {
  return pino({ level, base: null }, { write })
}
