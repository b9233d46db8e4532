// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run replay -- DIR`: replays every transcript of a folder against our server.
 *
 * Prints a line for each scenario, every difference that is not on the list of what may differ, and how
 * often each entry of the list was needed. Exit code 1 if a scenario did not go as expected.
 */

import { describeFindings, isAsExpected, replayFolder } from './folder.ts'
import type { ScenarioResult } from './folder.ts'

const folder = process.argv[2]
if (folder === undefined || process.argv.length > 3) {
  console.error('usage: npm run replay -- DIR')
  process.exitCode = 1
} else {
  const { scenarios, compared, ledger, errors } = await replayFolder(folder)
  console.log('What differed as listed:')
  for (const { count, path, why } of ledger.counts()) {
    console.log(`${String(count).padStart(6)}  ${path}\n        ${why}`)
  }
  for (const [reason, count] of ledger.withheld) console.log(`${count} not sent: ${reason}`)
  console.log()
  for (const scenario of scenarios) {
    console.log(
      `${scenario.name.padEnd(28)} ${String(scenario.sent).padStart(4)} sent   ${verdict(scenario)}`,
    )
  }
  const findings = scenarios.flatMap((scenario) => scenario.findings)
  if (findings.length > 0) console.log(`\nNot listed:\n${describeFindings(findings)}`)
  for (const error of errors) console.log(`server error: ${error.trim()}`)
  const sent = scenarios.reduce((sum, scenario) => sum + scenario.sent, 0)
  const bad = scenarios.filter((scenario) => !isAsExpected(scenario)).length
  console.log(
    `\n${scenarios.length} scenarios, ${sent} requests sent, ${compared} answers compared, ${bad} scenarios not as expected`,
  )
  process.exitCode = bad === 0 && scenarios.length > 0 && errors.length === 0 ? 0 : 1
}

function verdict({ findings, expected }: ScenarioResult): string {
  if (findings.length === 0) return expected === undefined ? 'ok' : `OK, BUT EXPECTED TO FAIL`
  return `${findings.length} unlisted differences${expected === undefined ? '' : ` (expected: ${expected})`}`
}
