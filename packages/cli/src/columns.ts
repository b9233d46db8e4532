// SPDX-License-Identifier: Apache-2.0

/**
 * Aligned columns, as Go's tabwriter makes them.
 *
 * @module
 */

/** Returns rows as lines: every cell, the last one too, is padded to the widest of its column plus two blanks. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length + 2)
    })
  }
  return rows
    .map((row) => `${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('')}\n`)
    .join('')
}

/** Returns a table with a heading; trailing blanks are cut. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  return columns([heading, ...rows]).replace(/ +$/gm, '')
}
