// SPDX-License-Identifier: Apache-2.0

/**
 * The matrix as text.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderTable, summary, type Row } from './table.ts'

const row: Row = {
  scenario: 'join/auth key',
  clients: '1.103',
  mode: 'userspace',
  result: 'pass',
  seconds: 1.26,
  note: '',
}

test('renderTable() makes columns as wide as what stands in them', () => {
  const long = { ...row, scenario: 'a longer name', result: 'FAIL', note: 'why' } as const
  assert.equal(
    renderTable([row, long]),
    [
      '| scenario      | clients | mode      | result | seconds | note |',
      '|---------------|---------|-----------|--------|---------|------|',
      '| join/auth key | 1.103   | userspace | pass   | 1.3     |      |',
      '| a longer name | 1.103   | userspace | FAIL   | 1.3     | why  |',
    ].join('\n'),
  )
})

test('renderTable() keeps a note on its line and in its column', () => {
  const last = renderTable([{ ...row, note: `a | b\n  c ${'x'.repeat(200)}` }]).split('\n')[2] ?? ''
  assert.match(last, /\| a \/ b c x+\.\.\. \|$/)
  const note = last.split('|').at(-2)?.trim() ?? ''
  assert.equal(note.length, 100)
})

test('summary() counts what happened', () => {
  const rows = (['pass', 'pass', 'FAIL'] as const).map((result) => ({ ...row, result }))
  assert.equal(summary(rows), '3 scenarios: 2 passed, 1 failed')
  const others = (['known fault', 'skipped'] as const).map((result) => ({ ...row, result }))
  assert.equal(
    summary([...rows, ...others]),
    '5 scenarios: 2 passed, 1 failed, 1 with a known fault, 1 skipped',
  )
})
