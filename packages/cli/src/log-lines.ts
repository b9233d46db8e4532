// SPDX-License-Identifier: Apache-2.0

/**
 * Log lines of the programs that keep running. A line is JSON in pino's layout; on terminals it is
 * made readable.
 *
 * @module
 */

import { CliError } from './errors.ts'

/** Levels by pino's numbers. */
const levels: ReadonlyMap<string, number> = new Map([
  ['debug', 20],
  ['info', 30],
  ['warn', 40],
  ['error', 50],
])

/** How log lines look. */
export type LogFormat = 'json' | 'pretty'

/** A logger of four levels; a pino logger has the same methods. */
export interface LineLogger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Reads `--log-format`; on a terminal lines are pretty when nothing was said. @throws CliError usage */
export function parseLogFormat(text: string, terminal: boolean): LogFormat {
  if (text === '') return terminal ? 'pretty' : 'json'
  if (text === 'json' || text === 'pretty') return text
  throw new CliError('usage', `--log-format is json or pretty, got "${text}"`)
}

/** Returns a logger that writes the lines of `level` and above. @throws CliError usage */
export function createLineLogger(
  level: string,
  write: (line: string) => void,
  now: () => number,
): LineLogger {
  const least = levels.get(level)
  if (least === undefined) {
    throw new CliError('usage', `--log-level is debug, info, warn or error, got "${level}"`)
  }
  const at =
    (name: string) =>
    (fields: object, msg: string): void => {
      const number = levels.get(name) ?? least
      if (number < least) return
      write(`${JSON.stringify({ level: number, time: now(), ...readable(fields), msg })}\n`)
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Errors print as nothing in JSON; their message is what counts. */
function readable(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]: [string, unknown]) => [
      name,
      value instanceof Error ? value.message : typeof value === 'bigint' ? String(value) : value,
    ]),
  )
}

/** Returns a JSON log line for people: time, level, message, then the other fields. */
export function prettyLine(line: string): string {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    return line
  }
  if (typeof parsed !== 'object' || parsed === null) return line
  const { level, time, msg, ...fields } = parsed as Readonly<Record<string, unknown>>
  const name = [...levels].findLast(([, number]) => number <= Number(level))?.[0] ?? 'debug'
  const rest = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const clock = new Date(Number(time)).toISOString().slice(11, 23)
  return `${clock} ${name.padEnd(5)} ${String(msg)}${rest.join('')}\n`
}
