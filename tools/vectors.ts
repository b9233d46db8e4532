// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run vectors -- DIR`: runs all test vectors below DIR against our code.
 *
 * Prints a line for each file, then each failure, and closes with `N passed, N failed`. Exit code
 * 1 on any failure. Where ours differs from the recorded behaviour on purpose, a case passes only
 * by a rule written in vectors/DIFFERENCES.md.
 */

import { readFileSync } from 'node:fs'
import { showError } from './vectors/checks.ts'
import { formats } from './vectors/formats.ts'
import { readRules } from './vectors/rules.ts'
import { runVectors } from './vectors/run.ts'

const root = process.argv[2]
if (root === undefined || process.argv.length > 3) {
  console.error('usage: npm run vectors -- DIR')
  process.exitCode = 1
} else {
  try {
    const differences = new URL('../vectors/DIFFERENCES.md', import.meta.url)
    const rules = readRules(readFileSync(differences, 'utf8'))
    const result = await runVectors(root, { formats, rules, print: console.log })
    process.exitCode = result.failed === 0 ? 0 : 1
  } catch (error) {
    console.error(`Cannot run the vectors: ${showError(error)}`)
    process.exitCode = 1
  }
}
