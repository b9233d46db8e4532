// SPDX-License-Identifier: Apache-2.0

/**
 * Runs scenarios side by side, a few at a time, and makes a row of each. One that fails or hangs
 * takes nothing with it: its stage is cleared and the next begins.
 *
 * @module
 */

import type { Row } from './table.ts'

/** What the runner has to know about a scenario. */
export interface Runnable {
  readonly name: string
  readonly clients: string
  readonly mode: string
  readonly deadlineMs: number
  /** Why it is not run. */
  readonly unable?: string | undefined
  /** Why it is expected to fail. */
  readonly known?: string | undefined
  /** Runs it. The signal says that time is over. Returns the note, and rows of its own making. */
  readonly run: (signal: AbortSignal) => Promise<string | Done>
}

/** How a scenario ended well. */
export interface Done {
  readonly note: string
  /** What it found out on the way, one by one: they follow its own row. */
  readonly findings: readonly Finding[]
}

/** One thing that a scenario found out. */
export interface Finding {
  readonly name: string
  readonly isAsExpected: boolean
  readonly seconds: number
  readonly note: string
}

/** Runs all of them, at most `width` at once; rows come back in the order of the scenarios. */
export async function runAll(
  scenarios: readonly Runnable[],
  width: number,
  finished: (row: Row, done: number) => void,
): Promise<Row[]> {
  const rows = new Map<Runnable, Row[]>()
  const waiting = [...scenarios]
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const made = await runOne(next)
      rows.set(next, made)
      for (const row of made) finished(row, rows.size)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return scenarios.flatMap((one) => rows.get(one) ?? [])
}

async function runOne(one: Runnable): Promise<Row[]> {
  const { name: scenario, clients, mode } = one
  if (one.unable !== undefined) {
    return [{ scenario, clients, mode, result: 'skipped', seconds: 0, note: one.unable }]
  }
  const began = performance.now()
  const row = (result: Row['result'], note: string, findings: readonly Finding[] = []): Row[] => {
    const seconds = (performance.now() - began) / 1000
    const own = { scenario, clients, mode, result, seconds, note }
    const found = findings.map((each): Row => {
      const { name, isAsExpected } = each
      const ended = isAsExpected ? 'pass' : 'FAIL'
      return { ...own, scenario: name, result: ended, seconds: each.seconds, note: each.note }
    })
    return [own, ...found]
  }
  const late = AbortSignal.timeout(one.deadlineMs)
  try {
    const done = await one.run(late)
    const { note, findings } = typeof done === 'string' ? { note: done, findings: [] } : done
    if (one.known === undefined) return row('pass', note, findings)
    return row('FAIL', `Passed, though this was known: ${one.known}`)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const reason = late.aborted ? `Not done after ${one.deadlineMs} ms: ${message}` : message
    if (one.known === undefined) return row('FAIL', reason)
    return row('known fault', `${one.known} (${reason})`)
  }
}
