// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { signet } from './fake-node.ts'
import { transcript } from './transcripts.ts'

interface Exported {
  SchemaVersion: string
  Messages: { Hash: string; Raw: string }[]
}

const recorded = transcript('cli-lock-log.json')
const genesis = 'EO6MU62OLDUWFJSRN3SHDZ4YQCHS2B6JWGWUCACUGIYD6F56Y4NQ'
const head = 'PCFO5EWLNYH32LSUQHFG4XCGMPY75452GYOGA54PS344V6PAZRLA'

function edited(edit: (messages: Exported['Messages']) => Exported['Messages']): string {
  const chain = JSON.parse(recorded) as Exported
  return JSON.stringify({ ...chain, Messages: edit(chain.Messages) })
}

describe('lock verify', () => {
  test('replays a chain that the official program exported', async () => {
    const { code, out } = await signet('lock verify -', { input: recorded })
    assert.equal(code, 0)
    assert.match(out, /^Verified 6 updates\.\n/)
    assert.match(out, new RegExp(`Fingerprint: ${genesis} \\(not compared: give --pin\\)\n`))
    assert.match(out, new RegExp(`Head: {8}${head}\n`))
  })

  test('compares with a pin, in full or its beginning, with or without dashes', async () => {
    for (const pin of [
      genesis,
      genesis.slice(0, 26).toLowerCase(),
      genesis.replace(/(.{4})/g, '$1-'),
    ]) {
      const { code, out } = await signet(['lock', 'verify', '--pin', pin, '-'], { input: recorded })
      assert.equal(code, 0)
      assert.match(out, /\(as pinned\)/)
    }
  })

  test('--json reports what was verified', async () => {
    const { out } = await signet('lock verify --json -', { input: recorded })
    const report = JSON.parse(out) as { Verified: boolean; Head: string; TrustedKeys: string[] }
    assert.equal(report.Verified, true)
    assert.equal(report.Head, head)
    assert.equal(report.TrustedKeys.length, 5)
  })

  const flip = (raw: string): string =>
    raw.slice(0, -6) + (raw.at(-6) === 'A' ? 'B' : 'A') + raw.slice(-5)
  const refused: readonly [string, string, string, RegExp][] = [
    [
      'a chain with another beginning than the pin',
      recorded,
      `--pin ${head}`,
      /^Refused: the chain begins with EO6M/,
    ],
    ['a pin that is too short', recorded, '--pin EO6M', /expected 26 to 52 characters/],
    [
      'an update left out',
      edited((all) => all.filter((_, i) => i !== 2)),
      '',
      /does not follow the one before it/,
    ],
    [
      'two updates swapped',
      edited(([a, b, ...rest]) => [b!, a!, ...rest]),
      '',
      /does not follow the one before it/,
    ],
    [
      'a signature that was changed',
      edited(([a, ...rest]) => [{ ...a!, Raw: flip(a!.Raw) }, ...rest]),
      '',
      /^Refused: update /,
    ],
    [
      'a chain without its beginning',
      edited((all) => all.slice(0, -1)),
      '',
      /its oldest update \w+ is not the first/,
    ],
    ['an empty chain', edited(() => []), '', /no updates in it/],
    [
      'bytes that are no update',
      edited(() => [{ Hash: '', Raw: 'AAAA' }]),
      '',
      /^Cannot read update 1 from the top/,
    ],
    ['text that is no JSON', 'hello', '', /^Cannot read the chain: not JSON/],
  ]
  for (const [what, input, flags, message] of refused) {
    test(`refused: ${what}`, async () => {
      const { code, out, err } = await signet(`lock verify ${flags} -`.replace('  ', ' '), {
        input,
      })
      assert.match(err, message)
      assert.equal(code, 1)
      assert.equal(out, '')
    })
  }

  test('a file that is not there is an error', async () => {
    const { code, err } = await signet('lock verify /nowhere/chain.json')
    assert.equal(code, 1)
    assert.match(err, /^Cannot read the exported chain from \/nowhere\/chain\.json/)
  })
})
