// SPDX-License-Identifier: Apache-2.0

/**
 * A few seconds of spoiled requests, the same ones each time; `npm run fuzz` goes on for as long as one likes.
 */

import assert from 'node:assert/strict'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { fuzz } from './fuzz.ts'
import { describeTally } from './tally.ts'

const TRANSCRIPTS = fileURLToPath(new URL('../../vectors/transcripts', import.meta.url))
const COUNT = 1_000
const SEED = Number(process.env['SIGNET_FUZZ_SEED'] ?? 20_261_122)
/** What the server may hold on to, and the attacker, who is in the same process. */
const MAX_GROWTH = 48 << 20

test(`${COUNT} spoiled requests, seed ${SEED}`, async (t) => {
  const { tally, grownBytes } = await fuzz({ folder: TRANSCRIPTS, count: COUNT, seed: SEED })
  t.diagnostic(describeTally(tally))

  await t.test('the server answers below 500 with a reason, and no node notices another', () => {
    assert.deepEqual(tally.faults, [])
  })

  await t.test('every door was tried', () => {
    const doors = [...tally.counts.keys()]
    for (const door of [
      'http1',
      'http2',
      'noise records',
      'ts2021',
      'derp, a node',
      'machine register',
    ]) {
      assert.ok(doors.includes(door), door)
    }
    assert.ok(doors.some((door) => door.startsWith('admin ')))
  })

  await t.test('its memory is bounded', () => {
    assert.ok(grownBytes < MAX_GROWTH, `${Math.round(grownBytes / 2 ** 20)} MiB more than at first`)
  })
})
