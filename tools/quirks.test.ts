// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '..')
const QUIRKS = 66

interface Row {
  readonly quirk: string
  readonly what: string
  readonly tests: readonly { readonly file: string; readonly name: string }[]
}

/** The table of docs/quirks.md: number, what it is, and `file` "beginning of the test's name". */
function readTable(): Row[] {
  const text = readFileSync(join(ROOT, 'docs', 'quirks.md'), 'utf8')
  return [...text.matchAll(/^\| (Q[0-9]+) \| (.+?) \| (.*) \|$/gm)].map((line) => {
    const [, quirk = '', what = '', held = ''] = line
    const tests = [...held.matchAll(/`([^`]+\.ts)` "([^"]+)"/g)].map((match) => {
      return { file: match[1] ?? '', name: match[2] ?? '' }
    })
    return { quirk, what, tests }
  })
}

const rows = readTable()

test('docs/quirks.md has every quirk once, in order', () => {
  const wanted = Array.from({ length: QUIRKS }, (_, index) => `Q${index + 1}`)
  assert.deepEqual(
    rows.map(({ quirk }) => quirk),
    wanted,
  )
})

for (const { quirk, tests } of rows) {
  test(`docs/quirks.md: what is said to hold ${quirk} exists`, () => {
    assert.ok(tests.length > 0, `${quirk} names no test`)
    for (const { file, name } of tests) {
      const source = readFileSync(join(ROOT, 'packages', file), 'utf8')
      // Several quirks may share a test: "Q50, Q52: ...".
      const titles = [...source.matchAll(/((?:Q[0-9]+, )*Q[0-9]+): ([^\n]*)/g)]
      const isHeld = titles.some(
        ([, quirks = '', title = '']) =>
          quirks.split(', ').includes(quirk) && title.startsWith(name),
      )
      assert.ok(isHeld, `packages/${file} has no test "${quirk}: ${name}"`)
    }
  })
}
