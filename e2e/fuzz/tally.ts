// SPDX-License-Identifier: Apache-2.0

/**
 * What came of it: how often which door answered how, and what must not have happened.
 *
 * @module
 */

/** Counts by endpoint and outcome. */
export interface Tally {
  note(endpoint: string, outcome: string): void
  fault(what: string): void
  readonly counts: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly faults: readonly string[]
}

/** Makes an empty one. */
export function createTally(): Tally {
  const counts = new Map<string, Map<string, number>>()
  const faults: string[] = []
  return {
    counts,
    faults,
    note(endpoint, outcome) {
      const line = counts.get(endpoint) ?? new Map<string, number>()
      counts.set(endpoint, line)
      line.set(outcome, (line.get(outcome) ?? 0) + 1)
    },
    fault: (what) => void faults.push(what.length > 600 ? `${what.slice(0, 600)}...` : what),
  }
}

/** One class for all statuses of a hundred. */
export function classOf(status: number): string {
  return `${Math.floor(status / 100)}xx`
}

/** A table for people. */
export function describeTally({ counts }: Tally): string {
  const outcomes = [...new Set([...counts.values()].flatMap((line) => [...line.keys()]))].sort()
  const row = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, index) => (index === 0 ? String(cell).padEnd(30) : String(cell).padStart(9)))
      .join('')
  const lines = [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
  return [
    row(['', ...outcomes]),
    ...lines.map(([endpoint, line]) =>
      row([endpoint, ...outcomes.map((name) => line.get(name) ?? '')]),
    ),
  ].join('\n')
}
