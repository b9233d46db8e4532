// SPDX-License-Identifier: Apache-2.0

/**
 * `node tools/reference.ts` writes the pages of docs/reference that are made from tables.
 * `node tools/reference.ts --check` says which of them are out of date.
 *
 * @module
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { errorReference } from './reference/errors.ts'
import { cliReference } from '@signet/cli'

const root = new URL('../', import.meta.url)

/** Returns each page and what should stand in it. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/reference/cli.md', await cliReference()],
    ['docs/reference/errors.md', errorReference(root)],
  ])
}

if (import.meta.main) {
  const stale: string[] = []
  for (const [path, wanted] of await referencePages()) {
    const url = new URL(path, root)
    if (process.argv.includes('--check')) {
      if (readFileSync(url, 'utf8') !== wanted) stale.push(path)
    } else {
      writeFileSync(url, wanted)
      console.log(`wrote ${path}`)
    }
  }
  for (const path of stale) console.error(`${path} is out of date: run "node tools/reference.ts"`)
  process.exitCode = stale.length === 0 ? 0 : 1
}
