// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

/** Files whose expectations do not depend on the build; the property tests compare the builds. */
const FILES = ['aead', 'ed25519', 'hash', 'vectors', 'verifier', 'x25519'].map((name) =>
  join(import.meta.dirname, `${name}.test.ts`),
)

for (const build of ['portable', 'openssl']) {
  test(`the ${build} build passes the same vectors and rejection tables`, async () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const args = [`--conditions=${build}`, '--test', '--test-isolation=none', '--test-reporter=tap']
    const { stdout } = await promisify(execFile)(process.execPath, [...args, ...FILES], {
      env,
      maxBuffer: 64 << 20,
    })
    const [, passed] = stdout.match(/^# pass (\d+)$/m) ?? []
    assert.ok(Number(passed) > 80, `${passed} tests ran`)
    assert.match(stdout, /^# fail 0$/m)
  })
}

test('a build is what its condition gives', async () => {
  const script = `import { platform } from '#platform'; console.log(platform.name)`
  for (const [conditions, name] of [
    [['--conditions=portable'], 'portable'],
    [['--conditions=openssl'], 'native'],
    [[], 'native'],
  ] as const) {
    const args = [...conditions, '--input-type=module', '--eval', script]
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: join(import.meta.dirname, '..'),
    })
    assert.equal(stdout.trim(), name)
  }
})
