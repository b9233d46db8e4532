// SPDX-License-Identifier: Apache-2.0

/** The command tables, and what is made from them: help, completion, the reference. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { allCommands } from '../src/commands/table.ts'
import { parseFlags } from '../src/parse-flags.ts'
import { signet } from './fake-node.ts'

const commands = await allCommands()

describe('every command', () => {
  for (const command of commands) {
    const name = command.path.join(' ')

    test(`${name} has code behind it, and an example that its flags allow`, async () => {
      assert.equal(typeof (await command.load()).run, 'function')
      assert.ok(command.example.startsWith(name), command.example)
      const words = command.example.split(' ').slice(command.path.length)
      const redirect = words.indexOf('>')
      const typed = redirect === -1 ? words : words.slice(0, redirect)
      parseFlags(typed, command.flags, name)
      assert.doesNotMatch(command.summary, /\.$/)
    })

    test(`${name} --help shows its flags and the example`, async () => {
      const { code, out } = await signet(`${name} --help`)
      assert.equal(code, 0)
      for (const flag of command.flags) assert.ok(out.includes(`--${flag.name}`), flag.name)
      assert.ok(out.includes(`EXAMPLE\n  signet ${command.example}\n`))
      assert.ok(
        out.split('\n').every((line) => line.length <= 100),
        out,
      )
    })
  }

  test('has a name of its own', () => {
    const names = commands.map((command) => command.path.join(' '))
    assert.equal(new Set(names).size, names.length)
  })
})

describe('finding commands', () => {
  const rows: readonly [string, number, RegExp, RegExp][] = [
    ['--help', 0, /^Signet: /, /^$/],
    ['-h', 0, /^Signet: /, /^$/],
    ['help', 0, /^Signet: /, /^$/],
    ['help lock sign', 0, /^Sign nodes, or a pre-auth key\./, /^$/],
    ['help lock', 0, /^Manage the tailnet lock\./, /^$/],
    ['lock --help', 0, /^Manage the tailnet lock\./, /^$/],
    ['admin nodes --help', 0, /signet admin nodes COMMAND/, /^$/],
    ['admin', 2, /^$/, /signet admin COMMAND/],
    ['admin nodes', 2, /^$/, /signet admin nodes COMMAND/],
    ['nonsense', 2, /^$/, /^signet: unknown command "nonsense"\n/],
    ['lock nonsense', 2, /^$/, /^signet: unknown command "lock nonsense"\n/],
    ['admin nodes nonsense', 2, /^$/, /^signet: unknown command "admin nodes nonsense"\n/],
    ['status --nonsense', 2, /^$/, /^signet status: unknown flag --nonsense\n/],
    ['--socket', 2, /^$/, /--socket needs a value/],
  ]
  for (const [words, exit, out, err] of rows) {
    test(`signet ${words}`, async () => {
      const result = await signet(words)
      assert.match(result.out, out)
      assert.match(result.err, err)
      assert.equal(result.code, exit)
    })
  }

  test('signet alone shows the commands and is a usage error', async () => {
    const result = await signet([])
    assert.equal(result.code, 2)
    assert.match(result.err, /COMMANDS/)
  })
})

describe('completion', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    test(`${shell}: is a script that names every command`, async (t) => {
      const { code, out } = await signet(`completion ${shell}`)
      assert.equal(code, 0)
      for (const command of commands.filter((each) => each.hidden !== true)) {
        for (const word of command.path) assert.ok(out.includes(word), word)
      }
      const check = spawnSync(shell, ['-n'], { input: out, encoding: 'utf8' })
      if (check.error !== undefined) t.diagnostic(`no ${shell} here, syntax not checked`)
      else assert.equal(check.status, 0, check.stderr)
    })
  }

  test('bash: completes words and flags', async () => {
    const { out } = await signet('completion bash')
    const complete = (...words: string[]): string[] => {
      const script = `${out}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
_signet; printf '%s\\n' "\${COMPREPLY[@]}"`
      return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim().split('\n')
    }
    assert.deepEqual(complete('signet', 'lo'), ['login', 'logout', 'lock'])
    assert.deepEqual(complete('signet', 'lock', 'rev'), ['revoke-keys'])
    assert.deepEqual(complete('signet', 'lock', 'sign', '--a'), ['--all-pending'])
    assert.deepEqual(complete('signet', 'admin', 'keys', ''), ['create', 'list', 'revoke'])
    assert.deepEqual(complete('signet', 'completion', 'z'), ['zsh'])
  })

  test('another shell is a usage error', async () => {
    assert.equal((await signet('completion tcsh')).code, 2)
  })
})
