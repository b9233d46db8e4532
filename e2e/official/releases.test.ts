// SPDX-License-Identifier: Apache-2.0

/**
 * What is run where there are no official programs: the search for them.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { officialReleases, runToEnd } from '../support/official.ts'

// A program that everybody has stands in for both.
const program = process.execPath

test('officialReleases() finds nothing where the environment names nothing', () => {
  assert.equal(officialReleases({}), undefined)
  assert.equal(officialReleases({ SIGNET_TAILSCALED: '', SIGNET_TAILSCALE: '' }), undefined)
})

test('officialReleases() returns one age or two', () => {
  const env = { SIGNET_TAILSCALED: program, SIGNET_TAILSCALE: program }
  assert.deepEqual(officialReleases(env), {
    current: { label: 'official', tailscaled: program, tailscale: program },
  })
  const both = { ...env, SIGNET_TAILSCALED_OLD: program, SIGNET_TAILSCALE_OLD: program }
  assert.equal(officialReleases(both)?.old?.tailscaled, program)
})

test('officialReleases() refuses half a pair, and a path where nothing is', () => {
  assert.throws(() => officialReleases({ SIGNET_TAILSCALED: program }), /go together/)
  const env = { SIGNET_TAILSCALED: program, SIGNET_TAILSCALE: `${program}-that-is-not-there` }
  assert.throws(() => officialReleases(env), { code: 'ENOENT' })
})

test('runToEnd() returns what a command printed and how it ended', async () => {
  const script = 'process.stdout.write("out"); process.stderr.write("err"); process.exit(3)'
  assert.deepEqual(await runToEnd(program, ['-e', script]), {
    status: 3,
    stdout: 'out',
    stderr: 'err',
  })
})

test('runToEnd() ends a command that takes too long', async () => {
  const { status } = await runToEnd(program, ['-e', 'setInterval(() => {}, 1000)'], 200)
  assert.equal(status, -1)
})
