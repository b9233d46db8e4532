// SPDX-License-Identifier: Apache-2.0

/**
 * All runs of a folder, replayed and judged.
 *
 * @module
 */

import { expectedFailures } from './expected.ts'
import { createLedger } from './judge.ts'
import type { Ledger } from './judge.ts'
import { replayRun } from './replay.ts'
import type { Finding } from './replay.ts'
import { readRuns } from './transcript.ts'

/** How one scenario went. */
export interface ScenarioResult {
  readonly name: string
  readonly sent: number
  /** What differs and is not on the list. */
  readonly findings: readonly Finding[]
  /** Why it does not pass yet, if that is known. */
  readonly expected: string | undefined
}

/** How all of them went. */
export interface FolderResult {
  readonly scenarios: readonly ScenarioResult[]
  readonly compared: number
  readonly ledger: Ledger
  /** What the servers logged as errors. */
  readonly errors: readonly string[]
}

/** Replays every transcript of a folder. */
export async function replayFolder(folder: string): Promise<FolderResult> {
  const ledger = createLedger()
  const scenarios: ScenarioResult[] = []
  const errors: string[] = []
  let compared = 0
  for (const run of readRuns(folder)) {
    const report = await replayRun(run, ledger.forRun())
    compared += report.compared
    errors.push(...report.errors)
    for (const { name, sent } of report.scenarios) {
      const findings = report.findings.filter((found) => found.scenario === name)
      scenarios.push({ name, sent, findings, expected: expectedFailures.get(name) })
    }
  }
  return { scenarios, compared, ledger, errors }
}

/** Whether a scenario went as it should: well, or badly where that is expected. */
export function isAsExpected({ findings, expected }: ScenarioResult): boolean {
  return findings.length === 0 ? expected === undefined : expected !== undefined
}

/** One line for each field that differs. */
export function describeFindings(findings: readonly Finding[]): string {
  const lines: string[] = []
  for (const [path, [first, ...rest]] of Map.groupBy(findings, (found) => found.path)) {
    if (first === undefined) continue
    const where = `${first.scenario} step ${first.step}`
    lines.push(
      `${path} (${where}${rest.length > 0 ? `, and ${rest.length} more` : ''})`,
      `        recorded ${short(first.recorded)}`,
      `        ours     ${short(first.live)}`,
    )
  }
  return lines.join('\n')
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 200 ? `${text.slice(0, 200)}...` : text
}
