// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toHex } from '@signet/codec'
import { parseLockInitRequest } from '@signet/protocol/local-api'
import { disablementValue, EMPTY_AUM, EMPTY_STATE, encodeAum } from '@signet/tka'
import { encodeLockLog } from '@signet/protocol/local-api'
import { fakeNode, lockAnswer, type Answer } from './fake-node.ts'

const own = '11'.repeat(32)
const off = { PublicKey: `nlpub:${own}`, NodeKey: `nodekey:${'22'.repeat(32)}` }
const args = `tlpub:${own} tlpub:${'33'.repeat(32)}?4`

describe('lock init', () => {
  test('sends keys with their votes, and the values of the secrets that it prints', async (t) => {
    const node = await fakeNode(t, {
      'GET tka/status': lockAnswer(off),
      'POST tka/init': lockAnswer(off),
    })
    const { code, out } = await node.signet(`lock init --confirm --gen-disablements 2 ${args}`)
    assert.equal(code, 0)
    const sent = parseLockInitRequest(node.calls.at(-1)!.body)
    assert.deepEqual(
      sent.Keys?.map((key) => [toHex(key.Public!), key.Votes]),
      [
        [own, 1],
        ['33'.repeat(32), 4],
      ],
    )
    const secrets = [...out.matchAll(/disablement-secret:([0-9A-F]{64})/g)].map(([, hex]) => hex!)
    assert.equal(secrets.length, 2)
    const values = []
    for (const hex of secrets) values.push(await disablementValue(Buffer.from(hex, 'hex')))
    assert.deepEqual(
      sent.DisablementValues?.map((value) => toHex(value!)),
      values.map(toHex),
    )
    assert.equal(sent.SupportDisablement, null)
    assert.equal(sent.SignUnknownNodes, undefined)
    assert.doesNotMatch(node.calls.at(-1)!.body.toString(), new RegExp(secrets.join('|')))
  })

  test('prints no secret when the node refuses', async (t) => {
    const refusal: Answer = { status: 500, body: 'initialization failed: no' }
    const node = await fakeNode(t, { 'GET tka/status': lockAnswer(off), 'POST tka/init': refusal })
    const { code, out, err } = await node.signet(`lock init --confirm ${args}`)
    assert.equal(code, 1)
    assert.doesNotMatch(out, /disablement-secret:/)
    assert.equal(err, 'error: 500 Internal Server Error: initialization failed: no\n')
  })

  const lostAnswers = [
    'tka init-finish RPC: stream closed',
    // Measured: an official daemon, and ours, whose server died before it answered.
    'resp: Get "https://unused/machine/tka/init/finish": unexpected EOF',
    'Cannot reach the server: No response to GET /machine/tka/init/finish: stream closed',
    'No answer to /machine/tka/init/finish',
    "Cannot read the server's reply: stream closed",
    'decoding JSON: unexpected EOF',
  ]
  for (const reason of lostAnswers) {
    test(`prints the secrets when the answer to the last step was lost: ${reason}`, async (t) => {
      const refusal: Answer = { status: 500, body: `initialization failed: ${reason}` }
      const node = await fakeNode(t, {
        'GET tka/status': lockAnswer(off),
        'POST tka/init': refusal,
      })
      const { code, out, err } = await node.signet(`lock init --confirm ${args}`)
      assert.equal(code, 4)
      assert.match(out, /\tdisablement-secret:[0-9A-F]{64}\n/)
      assert.doesNotMatch(out, /Initialization complete/)
      assert.match(err, /^Cannot tell whether the lock is on.*\nKeep the secrets above/)
    })
  }

  const certain = [
    'tka init-begin RPC: resp: Get "https://unused/machine/tka/init/begin": unexpected EOF',
    'Cannot reach the server: No response to GET /machine/tka/init/begin: stream closed',
    'request returned (409): Tailnet lock is enabled already',
  ]
  for (const reason of certain) {
    test(`prints no secret when the last step was not taken: ${reason}`, async (t) => {
      const refusal: Answer = { status: 500, body: `initialization failed: ${reason}` }
      const node = await fakeNode(t, {
        'GET tka/status': lockAnswer(off),
        'POST tka/init': refusal,
      })
      const { code, out } = await node.signet(`lock init --confirm ${args}`)
      assert.equal(code, 1)
      assert.doesNotMatch(out, /disablement-secret:/)
    })
  }

  test('prints the secrets when the lock turns out to be on with them', async (t) => {
    let sent: readonly (Uint8Array | null)[] | null = null
    const genesis = (): Answer => {
      const state = { ...EMPTY_STATE, disablementValues: sent }
      const Raw = encodeAum({ ...EMPTY_AUM, kind: 5, state })
      return { body: encodeLockLog([{ Hash: new Uint8Array(32), Change: 'checkpoint', Raw }]) }
    }
    const node = await fakeNode(t, {
      'GET tka/status': () => lockAnswer(sent === null ? off : { ...off, Enabled: true }),
      'GET tka/log': genesis,
      'POST tka/init': (call) => {
        sent = parseLockInitRequest(call.body).DisablementValues
        return { status: 500, body: 'initialization failed: something after it' }
      },
    })
    const { code, out } = await node.signet(`lock init --confirm ${args}`)
    assert.match(out, /Initialization complete/)
    assert.equal(code, 0)
  })

  test('--json prints secrets and outcome', async (t) => {
    const node = await fakeNode(t, {
      'GET tka/status': lockAnswer(off),
      'POST tka/init': lockAnswer(off),
    })
    const { out } = await node.signet(`lock init --confirm --json ${args}`)
    const report = JSON.parse(out) as { Initialized: boolean; DisablementSecrets: string[] }
    assert.equal(report.Initialized, true)
    assert.match(report.DisablementSecrets[0]!, /^disablement-secret:[0-9A-F]{64}$/)
  })

  test('--sign-unknown-nodes is passed on', async (t) => {
    const node = await fakeNode(t, {
      'GET tka/status': lockAnswer(off),
      'POST tka/init': lockAnswer(off),
    })
    await node.signet(`lock init --confirm --sign-unknown-nodes ${args}`)
    assert.equal(parseLockInitRequest(node.calls.at(-1)!.body).SignUnknownNodes, true)
  })
})

describe('lock init, refused before anything is sent', () => {
  const rows: readonly [string, string, number, RegExp][] = [
    [
      'Q61: a secret in the place of a value',
      `${args} disablement-secret:${'AB'.repeat(32)}`,
      1,
      /a disablement secret was given where a disablement value belongs/,
    ],
    ['a value of another length', `${args} disablement:abcd`, 1, /a value has 32 bytes, got 2/],
    ['a value that is no hex', `${args} disablement:xyz`, 1, /parsing disablement 3/],
    [
      'without the own key',
      `tlpub:${'33'.repeat(32)}`,
      1,
      /the tailnet lock key of the current node must be/,
    ],
    ['no key at all', '', 1, /the tailnet lock key of the current node must be/],
    ['a key that is none', 'tlpub:11', 1, /^parsing key 1: /],
    ['votes that are no number', `tlpub:${own}?x`, 1, /^parsing key 1 votes: "x" is not a number/],
    ['no disablement at all', `--gen-disablements 0 ${args}`, 2, /at least one disablement/],
    ['a count that is no number', `--gen-disablements two ${args}`, 2, /takes a whole number/],
  ]
  for (const [what, words, exit, message] of rows) {
    test(what, async (t) => {
      const node = await fakeNode(t, { 'GET tka/status': lockAnswer(off) })
      const { code, err } = await node.signet(`lock init --confirm ${words}`.trim())
      assert.match(err, message)
      assert.equal(code, exit)
      assert.ok(!node.calls.some((call) => call.what === 'POST tka/init'))
    })
  }

  test('Q61: the refusal does not repeat the secret', async (t) => {
    const node = await fakeNode(t, { 'GET tka/status': lockAnswer(off) })
    const secret = 'AB'.repeat(32)
    const { out, err } = await node.signet(`lock init ${args} disablement-secret:${secret}`)
    assert.ok(!`${out}${err}`.includes(secret))
  })
})
