// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { allCommands } from '@signet/cli'
import { serverSettings } from '@signet/control'
import { referencePages } from './reference.ts'

const root = new URL('../', import.meta.url)

for (const [path, wanted] of await referencePages()) {
  test(`${path} says what the tables say`, () => {
    const hint = 'run "node tools/reference.ts"'
    assert.equal(readFileSync(new URL(path, root), 'utf8'), wanted, hint)
  })
}

test('docs/reference/config.md has a row for every setting, and for nothing else', () => {
  const page = readFileSync(new URL('docs/reference/config.md', root), 'utf8')
  const [, server = ''] = page.split('## The server')
  const rows = [...server.split('## The node')[0]!.matchAll(/^\| `([a-z_]+)` \|/gm)]
  const names = rows.map(([, name = '']) => name)
  assert.deepEqual(new Set(names), new Set(serverSettings))
})

for (const path of ['README.md', 'CONTRIBUTING.md']) {
  test(`the signet commands in ${path} are commands, with flags that they have`, async () => {
    const page = readFileSync(new URL(path, root), 'utf8')
    const fences = [...page.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, code = '']) => code)
    const lines = fences
      .join('')
      .split('\n')
      .filter((line) => line.startsWith('signet '))
    for (const line of lines) {
      const words = line
        .replace(/\s+#.*/, '')
        .split(' ')
        .slice(1)
      const command = (await allCommands()).find(({ path: name }) =>
        name.every((word, i) => words[i] === word),
      )
      assert.ok(command, line)
      for (const word of words.filter((each) => each.startsWith('--'))) {
        const flag = word.slice(2).split('=')[0]
        assert.ok(
          command.flags.some(({ name }) => name === flag),
          `${line}: --${flag}`,
        )
      }
    }
  })
}

test('no error code is without a meaning', () => {
  const page = readFileSync(new URL('docs/reference/errors.md', root), 'utf8')
  const bare = page.split('\n').filter((line) => /^\| `[^`]+` \|\s*\|$/.test(line))
  assert.deepEqual(bare, [])
})
