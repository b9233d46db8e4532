// SPDX-License-Identifier: Apache-2.0
/**
 * Runs every vector file below a directory, whatever directory it is.
 *
 * Nothing is passed over in silence: a file is compared, or listed with the reason why not, or a
 * failure. Unknown formats, malformed files and half-read cases are failures.
 */

import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { Checks, showError } from './checks.ts'
import type { Mismatch } from './checks.ts'
import { parseJson, record, ShapeError, text } from './fields.ts'
import type { Format } from './format.ts'

export interface RunOptions {
  /** Formats by the text before the slash of their `format` member. */
  readonly formats: ReadonlyMap<string, Format>
  /** The rules written in vectors/DIFFERENCES.md. */
  readonly rules: ReadonlySet<string>
  readonly print: (line: string) => void
}

export interface RunResult {
  readonly passed: number
  readonly failed: number
}

interface Failure {
  readonly file: string
  readonly name: string
  readonly mismatches: readonly Mismatch[]
}

interface Tally {
  passed: number
  readonly failures: Failure[]
  readonly byRule: Map<string, number>
}

/** Runs all files below `root`, prints progress, failures and the closing count. */
export async function runVectors(root: string, options: RunOptions): Promise<RunResult> {
  const tally: Tally = { passed: 0, failures: [], byRule: new Map() }
  const files = await listFiles(root)
  let found = 0
  for (const file of files) {
    const line = await runFile(root, file, options, tally)
    if (line === undefined) continue
    options.print(line)
    found++
  }
  if (found === 0) fail(tally, root, '(directory)', 'vector files', 'none')
  for (const [rule, count] of tally.byRule) {
    options.print(`by rule ${rule}: ${count} cases (vectors/DIFFERENCES.md)`)
  }
  for (const { file, name, mismatches } of tally.failures) {
    const [first, ...others] = mismatches
    if (!first) continue
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`
    const { what, expected, got } = first
    options.print(`FAILED ${file} ${name}: ${what}: expected ${expected}, got ${got}${more}`)
  }
  options.print(`${tally.passed} passed, ${tally.failures.length} failed`)
  return { passed: tally.passed, failed: tally.failures.length }
}

function fail(tally: Tally, file: string, name: string, expected: string, got: string): void {
  tally.failures.push({ file, name, mismatches: [{ what: 'file', expected, got }] })
}

async function listFiles(root: string): Promise<string[]> {
  if (!(await stat(root)).isDirectory()) throw new ShapeError(`${root} is not a directory`)
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort()
}

/** What to print about a file; undefined for documents. */
async function runFile(
  root: string,
  file: string,
  options: RunOptions,
  tally: Tally,
): Promise<string | undefined> {
  const name = basename(file)
  if (name.endsWith('.md')) return undefined
  if (name.startsWith('cli-') && (name.endsWith('.txt') || name.endsWith('.json'))) {
    return `checked elsewhere: ${file} (texts of the command line: packages/cli/test)`
  }
  if (!name.endsWith('.json')) {
    fail(tally, file, '(file)', 'a known kind of file', name)
    return `${file}: unknown kind of file`
  }
  try {
    const document = record(parseJson(await readFile(join(root, file), 'utf8'), file), file)
    const format = formatName(document.get('format', text), name)
    const open = options.formats.get(format)
    if (open === undefined) throw new ShapeError(`${file}: unknown format ${format}`)
    return await runWork(file, open(document), options, tally)
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error
    fail(tally, file, '(file)', 'a vector file as its README states', error.message)
    return `${file}: malformed`
  }
}

const ANY_NAME: ReadonlySet<string> = new Set(['transcript', 'noise-raw'])

/** The format's name; a file carries the name of its format, except for recordings. */
function formatName(format: string, file: string): string {
  const [name = '', version] = format.split('/')
  if (version !== '1') throw new ShapeError(`${file}: unknown format version ${format}`)
  if (!ANY_NAME.has(name) && file !== `${name}.json`) {
    throw new ShapeError(`${file}: a file of format ${format} must be named ${name}.json`)
  }
  return name
}

async function runWork(
  file: string,
  work: ReturnType<Format>,
  options: RunOptions,
  tally: Tally,
): Promise<string> {
  let passed = 0
  for (const { name, run } of work) {
    const checks = new Checks()
    try {
      await run(checks)
    } catch (error) {
      checks.fail('run', 'no error', showError(error))
    }
    for (const rule of checks.rules) {
      if (!options.rules.has(rule)) {
        checks.fail('difference', `a rule ${rule} in vectors/DIFFERENCES.md`, 'none')
      }
    }
    const { mismatches } = checks
    if (mismatches.length > 0) {
      tally.failures.push({ file, name, mismatches })
      continue
    }
    passed++
    for (const rule of checks.rules) tally.byRule.set(rule, (tally.byRule.get(rule) ?? 0) + 1)
  }
  tally.passed += passed
  return `${file}: ${passed} of ${work.length}`
}
