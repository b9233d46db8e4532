// SPDX-License-Identifier: Apache-2.0

/**
 * Running scenarios: what becomes a row, and how many run at once.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runAll, type Done, type Finding, type Runnable } from './runner.ts'

const one = (name: string, run: Runnable['run'], more: Partial<Runnable> = {}): Runnable => ({
  name,
  clients: '1.103',
  mode: 'userspace',
  deadlineMs: 5_000,
  run,
  ...more,
})
const ignore = (): void => undefined

test('runAll() makes a row of every ending, in the order of the scenarios', async () => {
  const fails = async (): Promise<string> => {
    await Promise.resolve()
    throw new Error('it broke')
  }
  const rows = await runAll(
    [
      one('good', () => Promise.resolve('a note')),
      one('bad', fails),
      one('known', fails, { known: 'not built' }),
      one('healed', () => Promise.resolve(''), { known: 'not built' }),
      one('elsewhere', fails, { unable: 'no such device' }),
    ],
    2,
    ignore,
  )
  assert.deepEqual(
    rows.map(({ scenario, result, note }) => [scenario, result, note]),
    [
      ['good', 'pass', 'a note'],
      ['bad', 'FAIL', 'it broke'],
      ['known', 'known fault', 'not built (it broke)'],
      ['healed', 'FAIL', 'Passed, though this was known: not built'],
      ['elsewhere', 'skipped', 'no such device'],
    ],
  )
})

test('runAll() adds what a scenario found out, and an unexpected finding fails', async () => {
  const found = (name: string, isAsExpected: boolean): Finding => ({
    name,
    isAsExpected,
    seconds: 1,
    note: '',
  })
  const findings = [found('one', true), found('two', false)]
  const run = (): Promise<Done> => Promise.resolve({ note: 'done', findings })
  const rows = await runAll([one('good', run)], 1, ignore)
  assert.deepEqual(
    rows.map(({ scenario, result }) => [scenario, result]),
    [
      ['good', 'pass'],
      ['one', 'pass'],
      ['two', 'FAIL'],
    ],
  )
})

test('runAll() never runs more than `width` at once, and as many if there are', async () => {
  let running = 0
  let most = 0
  const run = async (): Promise<string> => {
    running += 1
    most = Math.max(most, running)
    await new Promise(setImmediate)
    running -= 1
    return ''
  }
  const done: number[] = []
  const scenarios = Array.from({ length: 7 }, (_, index) => one(String(index), run))
  await runAll(scenarios, 3, (_, count) => done.push(count))
  assert.equal(most, 3)
  assert.deepEqual(done, [1, 2, 3, 4, 5, 6, 7])
})

test('runAll() tells a scenario that hangs that its time is over', async () => {
  const hang = (signal: AbortSignal): Promise<string> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('seen so far')))
    })
  const [row] = await runAll([one('hangs', hang, { deadlineMs: 20 })], 1, ignore)
  assert.equal(row?.result, 'FAIL')
  assert.equal(row?.note, 'Not done after 20 ms: seen so far')
})
