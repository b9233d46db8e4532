// SPDX-License-Identifier: Apache-2.0

/** The program as it is started: by the launcher, with an old Node first in PATH, over symbolic links. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'

const root = join(import.meta.dirname, '../../..')
const launcher = join(root, 'packages/cli/bin/signet')

function start(
  program: string,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(program, words, { encoding: 'utf8', env, cwd: tmpdir() })
}

describe('bin/signet', () => {
  const system = { PATH: '/usr/local/bin:/usr/bin:/bin' }

  test('runs with whatever Node the system has, through a link and from another directory', (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'signet-cli-'))
    t.after(() => rmSync(dir, { recursive: true }))
    symlinkSync(launcher, join(dir, 'signet'))
    for (const program of [launcher, join(dir, 'signet')]) {
      const { status, stdout, stderr } = start(program, ['version'], system)
      assert.equal(status, 0, stderr)
      assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
      assert.equal(stderr, '')
    }
  })

  test('is what npm links', () => {
    const linked = join(root, 'node_modules/.bin/signet')
    assert.equal(start(linked, ['version'], system).status, 0)
  })

  test('passes arguments and exit codes on unchanged', () => {
    const { status, stderr } = start(launcher, ['--socket', '/no where/x', 'status'], system)
    assert.equal(status, 4)
    assert.match(stderr, /at \/no where\/x: there is no such socket/)
  })

  test('starts a server, and nothing else, with little room for young objects', (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'signet-cli-'))
    t.after(() => rmSync(dir, { recursive: true }))
    const copy = join(dir, 'signet')
    writeFileSync(copy, readFileSync(launcher), { mode: 0o755 })
    writeFileSync(join(dir, 'node'), '#!/bin/sh\n[ "$1" = -e ] || echo "$@"\n', { mode: 0o755 })
    const env = { PATH: `${dir}:/usr/bin:/bin` }
    assert.equal(
      start(copy, ['serve'], env).stdout,
      `--max-semi-space-size=4 ${dir}/../src/main.ts serve\n`,
    )
    assert.equal(start(copy, ['node'], env).stdout, `${dir}/../src/main.ts node\n`)
  })

  test('says what it needs when there is no Node that can run it', (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'signet-cli-'))
    t.after(() => rmSync(dir, { recursive: true }))
    const copy = join(dir, 'signet')
    writeFileSync(copy, spawnSync('cat', [launcher], { encoding: 'utf8' }).stdout, { mode: 0o755 })
    writeFileSync(join(dir, 'node'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const { status, stderr } = start(copy, ['version'], { PATH: `${dir}:/usr/bin:/bin` })
    assert.equal(status, 1)
    assert.match(stderr, /^signet: needs Node 24\.15 or later/)
  })

  for (const words of [['status'], ['lock', 'status'], ['up'], ['admin', 'users', 'list']]) {
    test(`${words.join(' ')} loads neither the server nor the node, nor the authority`, (t) => {
      const dir = mkdtempSync(join(tmpdir(), 'signet-cli-'))
      t.after(() => rmSync(dir, { recursive: true }))
      const hook = `import { registerHooks } from 'node:module'
import { appendFileSync } from 'node:fs'
registerHooks({ load(url, context, next) {
  appendFileSync(${JSON.stringify(join(dir, 'loaded'))}, url + '\\n')
  return next(url, context)
} })`
      writeFileSync(join(dir, 'hook.mjs'), hook)
      const { stderr } = start(launcher, [...words, '--socket', '/nowhere'], {
        ...system,
        NODE_OPTIONS: `--import=${join(dir, 'hook.mjs')}`,
      })
      assert.match(stderr, /there is no such socket/)
      const loaded = readFileSync(join(dir, 'loaded'), 'utf8')
      assert.match(loaded, /packages\/cli\/src\/main\.ts/)
      assert.doesNotMatch(loaded, /packages\/(control|node|wireguard|tka|crypto)\/src/)
    })
  }
})
