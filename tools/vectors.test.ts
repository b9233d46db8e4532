// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { hex, integer } from './vectors/fields.ts'
import { eachCase } from './vectors/format.ts'
import { formats } from './vectors/formats.ts'
import { readRules } from './vectors/rules.ts'
import { runVectors } from './vectors/run.ts'

const VECTORS = join(import.meta.dirname, '..', 'vectors')
const rules = readRules(readFileSync(join(VECTORS, 'DIFFERENCES.md'), 'utf8'))

test('every vector of the repository passes, and every written difference is used', async () => {
  const lines: string[] = []
  const print = (line: string): void => void lines.push(line)
  const { passed, failed } = await runVectors(VECTORS, { formats, rules, print })
  assert.deepEqual(
    lines.filter((line) => line.startsWith('FAILED')),
    [],
  )
  assert.equal(failed, 0)
  assert.ok(passed > 14_000)
  assert.equal(lines.at(-1), `${passed} passed, 0 failed`)
  const used = lines.flatMap((line) => /^by rule ([a-z0-9-]+):/.exec(line)?.[1] ?? [])
  assert.deepEqual(used.sort(), [...rules].sort())
})

/** A directory with these files, removed after the test. */
function directory(context: TestContext, files: Readonly<Record<string, unknown>>): string {
  const root = mkdtempSync(join(tmpdir(), 'vectors-'))
  context.after(() => rmSync(root, { recursive: true }))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    writeFileSync(join(root, path), text)
  }
  return root
}

// A format for these tests: `bytes` have as many bytes as `length` says.
const length = eachCase((fields, checks) => {
  const mark = fields.find('better', (value) => value)
  if (typeof mark === 'string') checks.judgeBy(mark)
  else checks.equal('length', fields.get('length', integer), fields.get('bytes', hex).length)
})

const good = { name: 'good', bytes: '0102', length: 2 }

function file(...cases: readonly unknown[]): unknown {
  return { format: 'length/1', source: 'this test', cases }
}

interface Ran {
  readonly lines: readonly string[]
  readonly last: string
}

async function run(context: TestContext, files: Readonly<Record<string, unknown>>): Promise<Ran> {
  const lines: string[] = []
  await runVectors(directory(context, files), {
    formats: new Map([['length', length]]),
    rules: new Set(['written']),
    print: (line) => void lines.push(line),
  })
  return { lines, last: lines.at(-1) ?? '' }
}

describe('runVectors()', () => {
  test('counts cases, in whatever folder, and names what failed', async (t) => {
    const bad = { name: 'bad', bytes: '0102', length: 3 }
    const { lines } = await run(t, { 'a/b/length.json': file(good, bad), 'README.md': '#' })
    assert.deepEqual(lines, [
      'a/b/length.json: 1 of 2',
      'FAILED a/b/length.json bad: length: expected 3, got 2',
      '1 passed, 1 failed',
    ])
  })

  test('lists what is not counted', async (t) => {
    const { lines } = await run(t, {
      'length.json': file(good),
      'cli-status.txt': 'text',
      'cli-status.json': '{}',
    })
    assert.deepEqual(lines, [
      'checked elsewhere: cli-status.json (texts of the command line: packages/cli/test)',
      'checked elsewhere: cli-status.txt (texts of the command line: packages/cli/test)',
      'length.json: 1 of 1',
      '1 passed, 0 failed',
    ])
  })

  const broken: readonly [name: string, files: Record<string, unknown>][] = [
    ['nothing to run', { 'README.md': '#' }],
    ['an unknown kind of file', { 'length.bin': 'x' }],
    ['a text that is not one of the command line', { 'notes.txt': 'x' }],
    ['what is not JSON', { 'length.json': '{' }],
    ['a list instead of an object', { 'length.json': [] }],
    ['no format', { 'length.json': { cases: [good] } }],
    ['an unknown format', { 'x.json': { format: 'x/1', source: '', cases: [good] } }],
    ['an unknown version', { 'length.json': { format: 'length/2', source: '', cases: [good] } }],
    ['a format under another name', { 'width.json': file(good) }],
    ['no source', { 'length.json': { format: 'length/1', cases: [good] } }],
    ['no cases', { 'length.json': file() }],
    ['a case without a name', { 'length.json': file({ bytes: '', length: 0 }) }],
    ['two cases with one name', { 'length.json': file(good, good) }],
    ['a missing member', { 'length.json': file({ name: 'a', bytes: '' }) }],
    ['a member of another type', { 'length.json': file({ ...good, length: '2' }) }],
    ['upper-case hex', { 'length.json': file({ ...good, bytes: '0A0B' }) }],
    ['a member that nobody compares', { 'length.json': file({ ...good, future: 1 }) }],
    ['a difference that is not written down', { 'length.json': file({ name: 'a', better: 'x' }) }],
  ]
  for (const [name, files] of broken) {
    test(`fails on ${name}`, async (t) => {
      assert.equal((await run(t, files)).last, '0 passed, 1 failed')
    })
  }

  test('accepts what Go noted for people, and a difference that is written down', async (t) => {
    const cases = [
      { ...good, error: 'words' },
      { name: 'b', better: 'written' },
    ]
    const { lines } = await run(t, { 'length.json': file(...cases) })
    assert.deepEqual(lines.slice(1), [
      'by rule written: 1 cases (vectors/DIFFERENCES.md)',
      '2 passed, 0 failed',
    ])
  })
})

describe('npm run vectors', () => {
  const main = join(import.meta.dirname, 'vectors.ts')
  const start = (...args: readonly string[]): { status: number | null; stdout: string } =>
    spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })

  test('ends with the count, and with 0 when all passed', (t) => {
    const text = readFileSync(join(VECTORS, 'tka', 'sync-offer-text.json'), 'utf8')
    const { status, stdout } = start(directory(t, { 'deep/sync-offer-text.json': text }))
    assert.match(stdout, /\n[1-9][0-9]* passed, 0 failed\n$/)
    assert.equal(status, 0)
  })

  test('ends with 1 when a case failed, a file is unknown, or there is no directory', (t) => {
    const text = readFileSync(join(VECTORS, 'tka', 'sync-offer-text.json'), 'utf8')
    const broken = text.replace('"ok":true', '"ok":false')
    assert.equal(start(directory(t, { 'sync-offer-text.json': broken })).status, 1)
    assert.equal(start(directory(t, { 'future.json': '{"format":"future/1"}' })).status, 1)
    assert.equal(start(join(VECTORS, 'nowhere')).status, 1)
    assert.equal(start().status, 1)
  })
})
