// SPDX-License-Identifier: Apache-2.0

/**
 * What every measurement shares: a row of the table, and ways to take one.
 *
 * @module
 */

/** One row of the table. */
export interface Row {
  readonly area: string
  readonly what: string
  /** The measured figures, in the order to print them. */
  readonly figures: readonly Figure[]
  /** What limits it, in a few words. */
  readonly bound: string
  /** The goal in words, and whether the figures met it. */
  readonly goal?: { readonly text: string; readonly met: boolean }
}

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
}

/** A measurement: gives its rows; frees what it took. */
export type Bench = () => Promise<readonly Row[]>

/** Milliseconds that a synchronous piece of work takes: the median of several runs. */
export function medianMs(runs: number, work: () => unknown): number {
  const times: number[] = []
  for (let i = 0; i < runs; i++) {
    const start = performance.now()
    work()
    times.push(performance.now() - start)
  }
  return quantile(times, 0.5)
}

/** The same for work that is awaited. */
export async function medianMsAsync(runs: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < runs; i++) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  return quantile(times, 0.5)
}

/** The value below which the share `q` (0..1) of the values lies; NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

/** Microseconds for one of many: runs `work` for about `budgetMs` and divides. */
export function microsEach(budgetMs: number, work: () => unknown): number {
  for (let i = 0; i < 20; i++) work()
  let count = 0
  const start = performance.now()
  let elapsed = 0
  while (elapsed < budgetMs) {
    for (let i = 0; i < 10; i++) work()
    count += 10
    elapsed = performance.now() - start
  }
  return (elapsed * 1000) / count
}
