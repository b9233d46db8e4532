// SPDX-License-Identifier: Apache-2.0

/**
 * The log of the programs that keep running: one JSON object a line, or a line for people. It goes
 * to standard error; standard output is for what a program says to whoever started it.
 *
 * @module
 */

import { pino, type Logger } from 'pino'
import type { CliIo } from './io.ts'
import { printable } from './printable.ts'

/** How to log. */
export interface LogOptions {
  readonly format: 'json' | 'pretty'
  readonly level: 'debug' | 'info' | 'warn' | 'error'
}

/** Creates the logger of a server or node. */
export function createLog(io: CliIo, { format, level }: LogOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date(io.now()).toISOString()}"`,
  }
  const write = format === 'json' ? io.err : (line: string) => io.err(prettyLine(line))
  return pino({ ...options, formatters: { level: (label) => ({ level: label }) } }, { write })
}

/** Turns a JSON line into one for people: time, level, message, then what else there is. */
export function prettyLine(line: string): string {
  let entry: Record<string, unknown>
  try {
    entry = JSON.parse(line) as Record<string, unknown>
  } catch {
    // Not ours: a line that cannot be read is shown as it is rather than lost.
    return line
  }
  const { level, time, msg, ...rest } = entry
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${fieldText(value)}`)
  const clock = text(time).slice(11, 23)
  return printable(`${[clock, text(level).padEnd(5), text(msg), ...fields].join(' ')}\n`)
}

function fieldText(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'message' in value) return text(value.message)
  const plain = typeof value === 'string' ? value : JSON.stringify(value)
  return /[\s"]/.test(plain) && typeof value === 'string' ? JSON.stringify(value) : plain
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}
