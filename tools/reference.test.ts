// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { referencePages } from './reference.ts'

const root = new URL('../', import.meta.url)

for (const [path, wanted] of await referencePages()) {
  test(`${path} says what the tables say`, () => {
    const hint = 'run "node tools/reference.ts"'
    assert.equal(readFileSync(new URL(path, root), 'utf8'), wanted, hint)
  })
}

test('no error code is without a meaning', () => {
  const page = readFileSync(new URL('docs/reference/errors.md', root), 'utf8')
  const bare = page.split('\n').filter((line) => /^\| `[^`]+` \|\s*\|$/.test(line))
  assert.deepEqual(bare, [])
})
