// SPDX-License-Identifier: Apache-2.0

/** The small parts: flags, durations, columns, JSON, printable text, log lines. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { columns, table } from '../src/columns.ts'
import type { Flag } from '../src/command.ts'
import { latencyText, parseDuration } from '../src/duration.ts'
import { cliErrors, reasonOf } from '../src/errors.ts'
import { indentJson } from '../src/indent-json.ts'
import type { CliIo } from '../src/io.ts'
import { createLineLogger, parseLogFormat, prettyLine } from '../src/log-lines.ts'
import { parseFlags, type ParsedLine } from '../src/parse-flags.ts'
import { defaultNodeDir } from '../src/paths.ts'
import { printable } from '../src/printable.ts'
import { readSecret } from '../src/secret-argument.ts'

describe('parseFlags()', () => {
  const flags: readonly Flag[] = [
    { name: 'json', kind: 'switch', version: true, summary: '' },
    { name: 're-sign', kind: 'switch', fallback: 'true', summary: '' },
    { name: 'limit', kind: 'number', value: 'N', fallback: '50', summary: '' },
    { name: 'name', kind: 'text', value: 'NAME', summary: '' },
    { name: 'tags', kind: 'list', value: 'TAG', summary: '' },
    { name: '4', kind: 'switch', summary: '' },
  ]
  const parse = (line: string): ParsedLine =>
    parseFlags(line === '' ? [] : line.split(' '), flags, 'x')

  test('has the fallbacks when nothing is given', () => {
    const { flags: values, args } = parse('')
    assert.equal(values.switch('re-sign'), true)
    assert.equal(values.number('limit'), 50)
    assert.equal(values.text('name'), '')
    assert.equal(values.version('json'), 0)
    assert.equal(values.given('limit'), false)
    assert.deepEqual(args, [])
  })

  test('takes flags in the forms of Go, before and after arguments', () => {
    for (const line of [
      '-limit 5 a -re-sign=false',
      'a --limit=5 --re-sign=0',
      '--limit 5 a --re-sign=f',
    ]) {
      const { flags: values, args } = parse(line)
      assert.equal(values.number('limit'), 5, line)
      assert.equal(values.switch('re-sign'), false, line)
      assert.deepEqual(args, ['a'], line)
    }
  })

  test('a switch takes no word after it', () => {
    const { flags: values, args } = parse('--json 1')
    assert.equal(values.version('json'), 1)
    assert.deepEqual(args, ['1'])
  })

  test('--json=2 asks for version 2, --json=false for none', () => {
    assert.equal(parse('--json=2').flags.version('json'), 2)
    assert.equal(parse('--json=0').flags.version('json'), 0)
    assert.equal(parse('--json=false').flags.version('json'), 0)
  })

  test('lists may be repeated or joined by commas; other flags: the last one counts', () => {
    const { flags: values } = parse('--tags a,b --tags c --name x --name y')
    assert.deepEqual(values.list('tags'), ['a', 'b', 'c'])
    assert.equal(values.text('name'), 'y')
  })

  test('"-" is an argument, and all after "--" are', () => {
    assert.deepEqual(parse('- -- --limit').args, ['-', '--limit'])
    assert.equal(parse('-4').flags.switch('4'), true)
  })

  const refused = [
    '--nope',
    '--limit',
    '--limit x',
    '--limit 1.5',
    '--re-sign=maybe',
    '--json=v1',
    '-x',
  ]
  for (const line of refused) {
    test(`refused: ${line}`, () => {
      assert.throws(() => parse(line), { name: 'CliError', code: 'usage' })
    })
  }

  test('a flag that is not in the table is a bug of the command', () => {
    assert.throws(() => parse('').flags.text('nope'), /no flag --nope in the table/)
  })
})

describe('durations', () => {
  for (const [text, milliseconds] of [
    ['0', 0],
    ['250ms', 250],
    ['1.5s', 1500],
    ['1h30m', 5_400_000],
    ['30d', 2_592_000_000],
  ] as const) {
    test(`parseDuration(${text})`, () => assert.equal(parseDuration(text, 'x'), milliseconds))
  }
  for (const text of ['', '5', 'soon', '-1s', '1s!', '1w']) {
    test(`refused: "${text}"`, () => {
      assert.throws(() => parseDuration(text, 'x'), { code: 'usage' })
    })
  }
  test('latencyText() rounds as Go does', () => {
    assert.deepEqual([0.0002, 0.0125, 1.2344].map(latencyText), ['0s', '13ms', '1.234s'])
  })
})

describe('indentJson()', () => {
  test('breaks lines as Go does, and leaves every token alone', () => {
    const json = '{"a":[],"b":{},"c":[1,{"d":"x, {\\"y\\"}: [\\u003c"}],"e":18446744073709551615}'
    assert.equal(
      indentJson(json, '  '),
      '{\n  "a": [],\n  "b": {},\n  "c": [\n    1,\n    {\n      "d": "x, {\\"y\\"}: [\\u003c"\n    }\n  ],\n  "e": 18446744073709551615\n}',
    )
  })
})

describe('printable()', () => {
  test('shows what could redraw the screen, and keeps our own colour', () => {
    assert.equal(
      printable('a\u001b[2Jb\r\u0000\u009b\u202ec\td\n'),
      'a\\u001b[2Jb\\u000d\\u0000\\u009b\\u202ec\td\n',
    )
    assert.equal(printable('\u001b[33mx\u001b[0m'), '\u001b[33mx\u001b[0m')
    assert.equal(printable('Zoë 网络 👋'), 'Zoë 网络 👋')
  })
})

describe('columns', () => {
  test('columns() pads every cell, table() cuts the end of lines', () => {
    assert.equal(
      columns([
        ['a', 'bb'],
        ['ccc', 'd'],
      ]),
      'a    bb  \nccc  d   \n',
    )
    assert.equal(table(['A', 'B'], [['ccc', 'd']]), 'A    B\nccc  d\n')
  })
})

describe('readSecret()', () => {
  const io = (input: string): CliIo => ({ readInput: async () => input }) as CliIo

  test('reads standard input and files, and leaves the rest alone', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'signet-cli-'))
    t.after(() => rmSync(dir, { recursive: true }))
    writeFileSync(join(dir, 's'), '  secret\n')
    assert.equal(await readSecret('-', 'x', io(' y\n')), 'y')
    assert.equal(await readSecret(`file:${join(dir, 's')}`, 'x', io('')), 'secret')
    assert.equal(await readSecret('plain', 'x', io('')), 'plain')
  })

  test('refuses empty input and missing files', async () => {
    await assert.rejects(readSecret('-', 'x', io('\n')), { code: 'bad-input' })
    await assert.rejects(readSecret('file:/nowhere', 'x', io('')), { code: 'bad-input' })
  })
})

describe('log lines', () => {
  test('are JSON from the level up, pretty when asked', () => {
    const lines: string[] = []
    const log = createLineLogger(
      'warn',
      (line) => lines.push(line),
      () => 1_000,
    )
    log.info({}, 'not this')
    log.warn({ peer: 'b', error: new Error('boom') }, 'this')
    assert.deepEqual(lines, ['{"level":40,"time":1000,"peer":"b","error":"boom","msg":"this"}\n'])
    assert.equal(prettyLine(lines[0]!), '00:00:01.000 warn  this peer=b error=boom\n')
    assert.equal(prettyLine('no json\n'), 'no json\n')
  })

  test('refuse formats and levels that are none', () => {
    assert.equal(parseLogFormat('', true), 'pretty')
    assert.equal(parseLogFormat('', false), 'json')
    assert.throws(() => parseLogFormat('xml', true), { code: 'usage' })
    assert.throws(() => createLineLogger('loud', () => undefined, Date.now), { code: 'usage' })
  })
})

describe('errors', () => {
  test('every code has an exit code from 1 to 4', () => {
    for (const { exit } of Object.values(cliErrors)) assert.ok(exit >= 1 && exit <= 4)
  })

  test('reasonOf() adds causes that say something new', () => {
    const cause = new Error('disk full')
    assert.equal(reasonOf(new Error('cannot write', { cause })), 'cannot write: disk full')
    assert.equal(
      reasonOf(new Error('cannot write: disk full', { cause })),
      'cannot write: disk full',
    )
    assert.equal(reasonOf('text'), 'unknown error')
  })
})

test('defaultNodeDir() follows $XDG_STATE_HOME for all but root', () => {
  const root = process.getuid?.() === 0
  const dir = defaultNodeDir({ HOME: '/home/ann', XDG_STATE_HOME: '/state' })
  assert.equal(dir, root ? '/var/lib/signet' : '/state/signet')
})
