// SPDX-License-Identifier: Apache-2.0

/**
 * The command, where there are no official programs.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { command } from '../support/official.ts'
import { scenarios } from './scenarios.ts'

const main = join(import.meta.dirname, 'main.ts')
const bare = { PATH: process.env['PATH'] }

test('e2e:official says that it was skipped, and succeeds', async () => {
  const { status, stdout } = await command(process.execPath, [main], bare).ended
  assert.equal(status, 0)
  assert.match(stdout, /^e2e:official was skipped: .*SIGNET_TAILSCALED and SIGNET_TAILSCALE/)
})

test('e2e:official lists what it would run, filtered by name', async () => {
  const { status, stdout } = await command(process.execPath, [main, '--list', 'join/'], bare).ended
  assert.equal(status, 0)
  const listed = stdout.trim().split('\n')
  const wanted = scenarios.filter(({ name }) => name.includes('join/'))
  assert.equal(listed.length, wanted.length)
  assert.ok(listed.every((line) => line.startsWith('join/')))
})

test('scenarios: every name is there once, with its group in front', () => {
  const names = scenarios.map(({ name }) => name)
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  )
  assert.ok(names.every((name) => /^[\w ]+\/\S/.test(name)))
})
