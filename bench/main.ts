// SPDX-License-Identifier: Apache-2.0

/**
 * `npm run bench [-- --json FILE] [NAME...]`: runs the measurements, each in a process of its own so that
 * none warms or burdens the next, and prints one table.
 *
 * @module
 */

import { spawn } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import { cpus, release } from 'node:os'
import { parseArgs } from 'node:util'
import type { Row } from './harness.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    churn: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
})

if (values.help) {
  console.log(
    'npm run bench [-- [--json FILE] [--churn SECONDS] [NAME...]]\n\nExample: npm run bench -- gate server',
  )
  process.exit(0)
}

if (values.churn !== undefined) process.env['SIGNET_BENCH_CHURN'] = values.churn

const folder = new URL('.', import.meta.url)
const names = (await readdir(folder))
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
  .filter((name) => positionals.length === 0 || positionals.includes(name))
  .sort()
const unknown = positionals.filter((name) => !names.includes(name))
if (unknown.length > 0 || names.length === 0) {
  console.error(`bench: no such measurement: ${unknown.join(' ')}`)
  process.exit(2)
}

const rows: Row[] = []
for (const name of names) {
  process.stderr.write(`measuring ${name}\n`)
  rows.push(...(await measure(name)))
}
print(rows)
if (values.json !== undefined) {
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Linux ${release()}`
  const report = { machine, node: process.version, date: new Date().toISOString(), rows }
  await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`)
}

/** Runs one measurement in a child and reads its rows from the channel between them. */
async function measure(name: string): Promise<readonly Row[]> {
  const child = spawn(
    process.execPath,
    ['--expose-gc', new URL('run-one.ts', folder).pathname, name],
    {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    },
  )
  let result: readonly Row[] | undefined
  child.on('message', (message) => {
    result = message as readonly Row[]
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  if (code !== 0 || !result) throw new Error(`Cannot measure ${name}: exit code ${code}`)
  return result
}

function print(all: readonly Row[]): void {
  console.log('| area | what | measured | goal | bounded by |')
  console.log('|---|---|---|---|---|')
  for (const row of all) {
    const figures = row.figures.map((f) => `${f.name} ${short(f.value)} ${f.unit}`).join(', ')
    const goal = row.goal ? `${row.goal.text}: ${row.goal.met ? 'met' : 'MISSED'}` : ''
    console.log(`| ${row.area} | ${row.what} | ${figures} | ${goal} | ${row.bound} |`)
  }
}

function short(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 1 ? value.toFixed(1) : value.toPrecision(2)
}
