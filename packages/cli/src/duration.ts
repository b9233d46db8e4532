// SPDX-License-Identifier: Apache-2.0

/**
 * Durations as people type them: `30s`, `1h30m`, `30d`; and latencies as Go prints them.
 *
 * @module
 */

import { CliError } from './errors.ts'

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Returns milliseconds. @throws CliError usage */
export function parseDuration(text: string, flag: string): number {
  if (text === '0') return 0
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) {
    throw new CliError(
      'usage',
      `--${flag} takes a duration as in 30s, 90m, 24h or 30d, got "${text}"`,
    )
  }
  let total = 0
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (units[unit] ?? 0)
  }
  return total
}

/** Returns a latency rounded to milliseconds, as Go prints it: `0s`, `12ms`, `1.234s`. */
export function latencyText(seconds: number): string {
  const milliseconds = Math.round(seconds * 1000)
  if (milliseconds === 0) return '0s'
  if (milliseconds < 1000) return `${milliseconds}ms`
  return `${milliseconds / 1000}s`
}
