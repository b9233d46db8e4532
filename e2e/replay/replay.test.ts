// SPDX-License-Identifier: Apache-2.0

/**
 * The recorded official clients speak to our server: byte for byte, and what they hear is what they heard
 * then, except for what the list in allowed.ts names.
 */

import assert from 'node:assert/strict'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { expectedFailures } from './expected.ts'
import { describeFindings, isAsExpected, replayFolder } from './folder.ts'

const TRANSCRIPTS = fileURLToPath(new URL('../../vectors/transcripts', import.meta.url))

test('the transcripts of official clients, replayed', async (t) => {
  const { scenarios, ledger, errors } = await replayFolder(TRANSCRIPTS)
  assert.ok(scenarios.length > 30, 'the recordings are there')

  for (const scenario of scenarios) {
    const why = scenario.expected === undefined ? '' : ` (expected to fail: ${scenario.expected})`
    await t.test(`${scenario.name}, ${scenario.sent} requests${why}`, () => {
      assert.ok(
        isAsExpected(scenario),
        scenario.findings.length === 0
          ? 'It passes now: take it off the list of expected failures'
          : `Not on the list of what may differ:\n${describeFindings(scenario.findings)}`,
      )
    })
  }

  await t.test('every expected failure is a scenario', () => {
    const names = new Set(scenarios.map(({ name }) => name))
    assert.deepEqual(
      [...expectedFailures.keys()].filter((name) => !names.has(name)),
      [],
    )
  })

  await t.test('every entry of the list of what may differ is needed', () => {
    const idle = ledger.counts().filter(({ count }) => count === 0)
    assert.deepEqual(
      idle.map(({ path, why }) => `${path}: ${why}`),
      [],
    )
  })

  await t.test('no server logged an error', () => assert.deepEqual(errors, []))
})
