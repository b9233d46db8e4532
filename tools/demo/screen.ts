// SPDX-License-Identifier: Apache-2.0

/**
 * What the audience sees: headings, commands as typed, answers, claims, the table at the end.
 *
 * @module
 */

const colours =
  process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb'

const paint =
  (code: string) =>
  (text: string): string =>
    colours ? `\u001b[${code}m${text}\u001b[0m` : text
const bold = paint('1')
const dim = paint('2')
const green = paint('32')
const red = paint('31')
const cyan = paint('36')

/** Prints a line. */
export function line(text = ''): void {
  process.stdout.write(`${text}\n`)
}

/** Prints the title of a step. */
export function step(number: number, title: string): void {
  line()
  line(bold(`${number}. ${title}`))
}

/** Prints a remark of the narrator. */
export function narrate(text: string): void {
  line(dim(`   ${text}`))
}

/** Prints a command as somebody types it on a machine. */
export function typed(machine: string, command: string): void {
  line(`   ${cyan(machine)} ${dim('$')} ${shorten(command)}`)
}

/** Prints what a command answered; at most `most` lines of it. */
export function answered(text: string, most = 8): void {
  const lines = text.split('\n').filter((each) => each.trim() !== '')
  for (const each of lines.slice(0, most))
    line(`     ${shorten(each).replaceAll('\t', '  ').trimEnd()}`)
  if (lines.length > most) line(dim(`     ... ${lines.length - most} more lines`))
}

/** Prints a claim that held. */
export function held(text: string): void {
  line(`   ${green('✓')} ${text}`)
}

/** Prints what was expected, and what was found instead. */
export function surprised(claim: string, expected: string, actual: string): void {
  line()
  line(red(`SURPRISE: ${claim}`))
  line(`  expected: ${expected}`)
  line(`  actual:   ${actual}`)
}

/** Prints a table. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = heading.map((name, i) =>
    Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)),
  )
  const aligned = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  line(`   ${bold(aligned(heading))}`)
  for (const row of rows) line(`   ${aligned(row)}`)
}

/** Prints the last line. */
export function finish(text: string): void {
  line()
  line(bold(green(text)))
}

/** Cuts the middle out of keys, secrets and blobs, which nobody reads. */
export function shorten(text: string): string {
  return text
    .replace(/\b([0-9a-fA-F]{4})[0-9a-fA-F]{56,}([0-9a-fA-F]{4})\b/g, '$1…$2')
    .replace(/\b([A-Z2-7]{4})[A-Z2-7]{44}([A-Z2-7]{4})\b/g, '$1…$2')
}
