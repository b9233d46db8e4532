// SPDX-License-Identifier: Apache-2.0

/**
 * The matrix as text: one row for each scenario, columns as wide as what stands in them.
 *
 * @module
 */

/** How a scenario ended. */
export type Outcome = 'pass' | 'FAIL' | 'known fault' | 'skipped'

/** One row of the matrix. */
export interface Row {
  readonly scenario: string
  /** Whose programs took part: '1.103 + signet node'. */
  readonly clients: string
  readonly mode: string
  readonly result: Outcome
  readonly seconds: number
  /** What was seen on the way, or why it failed. */
  readonly note: string
}

/** A note in the table is cut here; the JSON file has all of it. */
const NOTE_CHARS = 100
const HEAD = ['scenario', 'clients', 'mode', 'result', 'seconds', 'note']

/** Returns the matrix as lines. */
export function renderTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.scenario,
    row.clients,
    row.mode,
    row.result,
    row.seconds.toFixed(1),
    shorten(row.note),
  ])
  const all = [HEAD, ...cells]
  const widths = HEAD.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)))
  const line = (texts: readonly string[]): string => {
    const padded = texts.map((text, column) => text.padEnd(widths[column] ?? 0))
    return `| ${padded.join(' | ')} |`
  }
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [line(HEAD), rule, ...cells.map(line)].join('\n')
}

/** Returns the closing line. */
export function summary(rows: readonly Row[]): string {
  const count = (result: Outcome): number => rows.filter((row) => row.result === result).length
  const known = count('known fault') === 0 ? '' : `, ${count('known fault')} with a known fault`
  const skipped = count('skipped') === 0 ? '' : `, ${count('skipped')} skipped`
  return `${rows.length} scenarios: ${count('pass')} passed, ${count('FAIL')} failed${known}${skipped}`
}

function shorten(note: string): string {
  const oneLine = note.replaceAll(/\s+/g, ' ').replaceAll('|', '/').trim()
  return oneLine.length <= NOTE_CHARS ? oneLine : `${oneLine.slice(0, NOTE_CHARS - 3)}...`
}
