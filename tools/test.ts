// SPDX-License-Identifier: Apache-2.0

/**
 * `npm test`: every test of the repository, one report, one summary.
 *
 * Pure packages share one process, because they touch nothing that a process has and starting one
 * takes longer than their tests; all other files get a process each. Arguments pick files whose
 * path contains one of them: `npm test -- packages/tka`.
 *
 * @module
 */

import { globSync } from 'node:fs'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { pathToFileURL } from 'node:url'
import { PURE_TESTS } from './pure-suite.ts'

/** No file takes longer; one that does hangs, and a hang has to be reported. */
const FILE_TIMEOUT_MS = 240_000
const ROOT = join(import.meta.dirname, '..')
const PURE_SUITE = 'tools/pure-suite.ts'

function filesToRun(wanted: readonly string[]): string[] {
  const isWanted = (file: string): boolean =>
    wanted.length === 0 || wanted.some((part) => file.includes(part))
  const all = globSync(['packages/*/test/**/*.test.ts', 'tools/**/*.test.ts', 'e2e/**/*.test.ts'], {
    cwd: ROOT,
  }).sort()
  const pure = new Set(PURE_TESTS)
  const isolated = all.filter((file) => wanted.length > 0 || !pure.has(file)).filter(isWanted)
  return wanted.length > 0 ? isolated : [PURE_SUITE, ...isolated]
}

let tests = 0
const silent: string[] = []
const results = run({
  files: filesToRun(process.argv.slice(2)).map((file) => join(ROOT, file)),
  cwd: ROOT,
  concurrency: 2,
  timeout: FILE_TIMEOUT_MS,
  execArgv: ['--import', pathToFileURL(join(ROOT, 'tools/exit-guard.ts')).href],
})
results.on('test:pass', ({ name, file }) => {
  // A file without tests counts as one test of its own name.
  if (name === file) silent.push(file)
})
results.on('test:fail', ({ todo }) => {
  if (todo === undefined) process.exitCode = 1
})
results.on('test:summary', ({ counts, file }) => {
  // The one without a file is about everything.
  if (file === undefined) tests = counts.tests
})
results.on('end', () => {
  for (const file of silent) fail(`No test in ${file}`)
  if (tests === 0) fail('No test ran')
})
results.compose(spec).pipe(process.stdout)

function fail(reason: string): void {
  process.exitCode = 1
  console.error(reason)
}
