// SPDX-License-Identifier: Apache-2.0

/** lock add, remove, disable, disablement-kdf, local-disable, revoke-keys, fingerprint. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toHex } from '@signet/codec'
import {
  generateLockKey,
  generateNodeKey,
  lockPublicOf,
  lockSigner,
  nodePublicOf,
} from '@signet/keys'
import {
  encodeSignatureList,
  parseLockModifyRequest,
  parseLockRecoveryRequest,
  parseLockSignRequest,
  type LockTrustedKey,
} from '@signet/protocol/local-api'
import { parseAumHash, signNodeKey } from '@signet/tka'
import { fakeNode, lockAnswer, signet } from './fake-node.ts'
import { lockLogBehind, transcript } from './transcripts.ts'

const own = '11'.repeat(32)
const other = '22'.repeat(32)
const trusted = (hex: string): LockTrustedKey => ({
  Kind: '25519',
  Key: `nlpub:${hex}`,
  Metadata: null,
  Votes: 1,
})
const on = {
  Enabled: true,
  PublicKey: `nlpub:${own}`,
  TrustedKeys: [trusted(own), trusted(other)],
}

describe('lock add', () => {
  test('sends keys with votes, and is silent', async (t) => {
    const node = await fakeNode(t, {
      'GET tka/status': lockAnswer(on),
      'POST tka/modify': { status: 204 },
    })
    const result = await node.signet(`lock add nlpub:${'33'.repeat(32)} tlpub:${'44'.repeat(32)}?7`)
    assert.deepEqual(result, { code: 0, out: '', err: '' })
    const sent = parseLockModifyRequest(node.calls.at(-1)!.body)
    assert.deepEqual(
      sent.AddKeys?.map((key) => key.Votes),
      [1, 7],
    )
    assert.equal(sent.RemoveKeys, null)
  })

  test('needs keys, and a lock that is on', async (t) => {
    const node = await fakeNode(t, { 'GET tka/status': lockAnswer({}) })
    assert.deepEqual(await node.signet('lock add'), {
      code: 2,
      out: '',
      err: 'missing argument, expected one or more tailnet lock keys\n',
    })
    const off = await node.signet(`lock add tlpub:${other}`)
    assert.equal(off.err, 'tailnet lock is not enabled\n')
  })
})

describe('lock remove', () => {
  const signer = generateLockKey()
  const rotation = generateLockKey()
  const nodeKey = nodePublicOf(generateNodeKey())

  test('signs again first, with the wrapping key of each node, then removes', async (t) => {
    const signature = signNodeKey({
      nodeKey,
      rotationPublic: lockPublicOf(rotation),
      signer: lockSigner(signer),
    })
    const node = await fakeNode(t, {
      'GET tka/status': lockAnswer(on),
      'POST tka/affected-sigs': { body: encodeSignatureList([signature]) },
      'POST tka/sign': {},
      'POST tka/modify': { status: 204 },
    })
    const { code } = await node.signet(`lock remove tlpub:${other}`)
    assert.equal(code, 0)
    assert.deepEqual(
      node.calls.map((call) => call.what),
      ['GET tka/status', 'POST tka/affected-sigs', 'POST tka/sign', 'POST tka/modify'],
    )
    assert.equal(toHex(node.calls[1]!.body), other)
    const sent = parseLockSignRequest(node.calls[2]!.body)
    assert.equal(sent.NodeKey, nodeKey)
    assert.equal(`nlpub:${toHex(sent.RotationPublic!)}`, lockPublicOf(rotation))
  })

  test('--re-sign=false only removes, after a question on a terminal', async (t) => {
    const node = await fakeNode(t, {
      'GET tka/status': lockAnswer(on),
      'POST tka/modify': { status: 204 },
    })
    const no = await node.signet(`lock remove --re-sign=false tlpub:${own}`, { typed: ['n'] })
    assert.equal(no.out, 'aborting removal of signing key(s)\n')
    assert.match(no.err, /will cause any nodes signed by the given key\(s\) to be locked out/)
    assert.ok(!node.calls.some((call) => call.what === 'POST tka/modify'))
    await node.signet(`lock remove --re-sign=false tlpub:${own}`)
    assert.equal(node.calls.at(-1)?.what, 'POST tka/modify')
  })

  test('refuses to remove the last key', async (t) => {
    const node = await fakeNode(t, {
      'GET tka/status': lockAnswer({ ...on, TrustedKeys: [trusted(own)] }),
    })
    const { code, err } = await node.signet(`lock remove tlpub:${own}`)
    assert.equal(code, 1)
    assert.match(err, /^cannot remove the last trusted signing key; use 'signet lock disable'/)
  })
})

describe('lock disable', () => {
  const hex = '5A'.repeat(32)
  for (const [what, words, input] of [
    ['an argument', `lock disable disablement-secret:${hex}`, ''],
    ['the other prefix', `lock disable disablement:${hex}`, ''],
    ['standard input', 'lock disable -', `disablement-secret:${hex}\n`],
  ] as const) {
    test(`sends the raw bytes of a secret from ${what}`, async (t) => {
      const node = await fakeNode(t, { 'POST tka/disable': {} })
      assert.deepEqual(await node.signet(words, { input }), { code: 0, out: '', err: '' })
      assert.equal(toHex(node.calls[0]!.body), hex.toLowerCase())
    })
  }

  test('refuses what has no prefix, without repeating it', async (t) => {
    const node = await fakeNode(t, {})
    const { code, err } = await node.signet(`lock disable ${hex}`)
    assert.equal(code, 1)
    assert.match(err, /expected value with "disablement:" or "disablement-secret:" prefix/)
    assert.ok(!err.includes(hex))
    assert.equal((await node.signet('lock disable')).code, 2)
  })
})

test('lock disablement-kdf computes the official value', async () => {
  const secret = 'a5'.repeat(32)
  const wanted = 'disablement:c3fea8a0d70ede2555990ca60d70a8a03cbe627d2c9f3cb0e2ba7093d0884e2f\n'
  assert.equal((await signet(`lock disablement-kdf ${secret}`)).out, wanted)
  const prefixed = await signet('lock disablement-kdf -', {
    input: `disablement-secret:${secret.toUpperCase()}`,
  })
  assert.equal(prefixed.out, wanted)
})

test('lock local-disable sends an empty object', async (t) => {
  const node = await fakeNode(t, { 'POST tka/force-local-disable': {} })
  assert.equal((await node.signet('lock local-disable')).code, 0)
  assert.equal(node.calls[0]!.body.toString(), '{}')
})

test('lock repair asks the node to get its lock back, and says when it is', async (t) => {
  const node = await fakeNode(t, { 'POST signet/lock/heal': {} })
  const { code, out } = await node.signet('lock repair')
  assert.equal(code, 0)
  assert.match(out, /in order again/)
  const refusing = await fakeNode(t, {
    'POST signet/lock/heal': { status: 400, body: 'The lock of this node is not damaged' },
  })
  const refused = await refusing.signet('lock repair')
  assert.equal(refused.code, 1)
  assert.match(refused.err, /not damaged/)
})

test('lock forgive sends a node key, and nothing else', async (t) => {
  const node = await fakeNode(t, { 'POST signet/lock/forgive': {} })
  const key = `nodekey:${'ab'.repeat(32)}`
  assert.equal((await node.signet(`lock forgive ${key}`)).code, 0)
  assert.equal(new URLSearchParams(node.calls[0]!.query).get('node-key'), key)
  for (const words of ['lock forgive', 'lock forgive a b']) {
    assert.equal((await node.signet(words)).code, 2)
  }
  assert.equal((await node.signet('lock forgive tlpub:00')).code, 1)
  assert.equal(node.calls.length, 1)
})

describe('lock revoke-keys', () => {
  const hash = 'EO6MU62OLDUWFJSRN3SHDZ4YQCHS2B6JWGWUCACUGIYD6F56Y4NQ'
  const hex = parseAumHash(hash)

  for (const given of [hash, hex, hex.toUpperCase()]) {
    test(`--fork-from ${given.slice(0, 8)}... is sent as hash text`, async (t) => {
      const node = await fakeNode(t, {
        'POST tka/generate-recovery-aum': { body: Uint8Array.of(0xa0) },
      })
      await node.signet(`lock revoke-keys --fork-from ${given} tlpub:${other}`)
      const sent = parseLockRecoveryRequest(node.calls[0]!.body)
      assert.equal(sent.ForkFrom, hash)
      assert.equal(toHex(sent.Keys![0]!), other)
    })
  }

  const refused: readonly [string, number, RegExp][] = [
    ['lock revoke-keys', 2, /missing argument/],
    [`lock revoke-keys --fork-from x tlpub:${other}`, 1, /^invalid fork-from hash: /],
    ['lock revoke-keys --cosign', 2, /^usage: /],
    ['lock revoke-keys --cosign xyz', 1, /^parsing hex: /],
    ['lock revoke-keys --finish ff', 1, /^decoding recovery AUM: /],
  ]
  for (const [words, exit, message] of refused) {
    test(`refused: ${words.slice(0, 40)}`, async (t) => {
      const node = await fakeNode(t, {})
      const { code, err } = await node.signet(words)
      assert.match(err, message)
      assert.equal(code, exit)
      assert.deepEqual(node.calls, [])
    })
  }
})

describe('lock fingerprint', () => {
  const genesis = 'EO6MU62OLDUWFJSRN3SHDZ4YQCHS2B6JWGWUCACUGIYD6F56Y4NQ'
  const details = {
    State: 'on',
    Genesis: genesis,
    Pinned: true,
    ServerHead: '',
    FailedClosed: '',
    Warnings: null,
  }

  test('is what a Signet node says', async (t) => {
    const node = await fakeNode(t, { 'GET tka/status': lockAnswer({ ...on, Signet: details }) })
    const { out, err } = await node.signet('lock fingerprint')
    assert.equal(out, `${genesis}\n`)
    assert.match(err, /EO6M-U62O-LDUW/)
    assert.doesNotMatch(err, /not pinned/)
  })

  test('is the oldest update of an official daemon, when that is the first', async (t) => {
    const node = await fakeNode(t, {
      'GET tka/status': lockAnswer(on),
      'GET tka/log': { body: lockLogBehind(transcript('cli-lock-log.json')) },
    })
    const { out, err } = await node.signet('lock fingerprint')
    assert.equal(out, `${genesis}\n`)
    assert.match(err, /not pinned/)
  })

  test('is not guessed from a history without its beginning', async (t) => {
    const { Messages } = JSON.parse(transcript('cli-lock-log.json')) as { Messages: object[] }
    const node = await fakeNode(t, {
      'GET tka/status': lockAnswer(on),
      'GET tka/log': { body: lockLogBehind(JSON.stringify({ Messages: Messages.slice(0, 2) })) },
    })
    const { code, err } = await node.signet('lock fingerprint')
    assert.equal(code, 1)
    assert.match(err, /no longer stores the first update/)
  })
})
