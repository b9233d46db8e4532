// SPDX-License-Identifier: Apache-2.0

/**
 * What official clients are expected to do, against the rows there are and against what SECURITY.md says.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { doesNotHold, expectationTable, expectedBreach } from './official-expected.ts'
import { groups } from './official-rows.ts'

const names = groups.flatMap(([, rows]) => rows.map(({ name }) => name))

test('SECURITY.md has the table of what official clients do, as it is expected', () => {
  const text = readFileSync(join(import.meta.dirname, '../../SECURITY.md'), 'utf8')
  const begin = text.indexOf('| the server | an official client |')
  assert.notEqual(begin, -1, 'SECURITY.md has the table')
  const found = text.slice(begin, text.indexOf('\n\n', begin))
  assert.equal(found, expectationTable(), 'SECURITY.md: put in what expectationTable() returns')
})

test('every expectation is about a row, and no row has two', () => {
  const expected = doesNotHold.flatMap(({ rows }) => rows)
  for (const age of ['new', 'old'] as const) {
    const its = doesNotHold.filter(({ only }) => only === undefined || only === age)
    const named = its.flatMap(({ rows }) => rows)
    assert.equal(new Set(named).size, named.length)
  }
  assert.deepEqual(
    expected.filter((name) => !names.includes(name)),
    [],
  )
})

test('every row is there once, and holds unless it is named', () => {
  assert.equal(new Set(names).size, names.length)
  assert.equal(expectedBreach('peers: a node that nobody signed (full)', 'new'), undefined)
  const delta = 'rotations: the old key beside the new one (delta)'
  assert.notEqual(expectedBreach(delta, 'new'), undefined)
  assert.equal(expectedBreach(delta, 'old'), undefined)
})
