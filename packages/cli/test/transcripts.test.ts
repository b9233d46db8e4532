// SPDX-License-Identifier: Apache-2.0

/** What official programs printed in recorded runs, `signet` prints too. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeLockLog } from '@signet/protocol/local-api'
import { fakeNode, lockAnswer, statusAnswer, type Answer } from './fake-node.ts'
import { asSignet, lockLogBehind, lockStatusBehind, transcript } from './transcripts.ts'

const statuses = ['off', 'on', 'on-untrusted', 'lockedout', 'filtered']

describe('lock status, vectors/transcripts', () => {
  for (const name of statuses) {
    const json = transcript(`cli-lock-status-${name}.json`)

    test(`${name}, text`, async (t) => {
      const node = await fakeNode(t, { 'GET tka/status': { body: lockStatusBehind(json) } })
      const { code, out, err } = await node.signet('lock status')
      assert.equal(out, asSignet(transcript(`cli-lock-status-${name}.txt`)))
      assert.equal(err, '')
      assert.equal(code, 0)
    })

    test(`${name}, --json`, async (t) => {
      const node = await fakeNode(t, { 'GET tka/status': { body: lockStatusBehind(json) } })
      assert.equal((await node.signet('lock status --json')).out, json)
      assert.equal((await node.signet('lock status --json=1')).out, json)
    })
  }

  for (const name of ['signed', 'wrapped']) {
    test(`${name}, --json`, async (t) => {
      const json = transcript(`cli-lock-status-${name}.json`)
      const node = await fakeNode(t, { 'GET tka/status': { body: lockStatusBehind(json) } })
      assert.equal((await node.signet('lock --json')).out, json)
    })
  }

  test('wrapped-keys, text', async (t) => {
    // The text is of node a, the JSON of another node: the trusted keys are the same.
    const json = transcript('cli-lock-status-wrapped.json')
    const own = JSON.parse(transcript('cli-lock-status-on.json')) as object
    const trusted = JSON.parse(json) as { TrustedKeys: object[] }
    const merged = JSON.stringify({ ...own, TrustedKeys: trusted.TrustedKeys })
    const node = await fakeNode(t, { 'GET tka/status': { body: lockStatusBehind(merged) } })
    const text = transcript('cli-lock-status-wrapped-keys.txt')
    assert.equal((await node.signet('lock')).out, asSignet(text))
  })

  test('another schema version is refused', async (t) => {
    const node = await fakeNode(t, { 'GET tka/status': lockAnswer({}) })
    const { code, err } = await node.signet('lock status --json=2')
    assert.equal(code, 1)
    assert.equal(err, 'unrecognised version: 2\n')
  })
})

describe('lock log, vectors/transcripts', () => {
  for (const name of ['log', 'log-genesis']) {
    const json = transcript(`cli-lock-${name}.json`)
    const answers = {
      'GET tka/status': lockAnswer({ Enabled: true }),
      'GET tka/log': { body: lockLogBehind(json) },
    }

    test(`${name}, text`, async (t) => {
      const node = await fakeNode(t, answers)
      const { out } = await node.signet('lock log')
      assert.equal(out, transcript(`cli-lock-${name}.txt`))
      assert.equal(node.calls.at(-1)?.query, '?limit=50')
    })

    test(`${name}, --json`, async (t) => {
      const node = await fakeNode(t, answers)
      assert.equal((await node.signet('lock log --json')).out, json)
    })
  }

  test('log-wrapped, text', async (t) => {
    const { Messages } = JSON.parse(transcript('cli-lock-log.json')) as { Messages: object[] }
    const json = JSON.stringify({ Messages: Messages.slice(3) })
    const node = await fakeNode(t, {
      'GET tka/status': lockAnswer({ Enabled: true }),
      'GET tka/log': { body: lockLogBehind(json) },
    })
    assert.equal((await node.signet('lock log')).out, transcript('cli-lock-log-wrapped.txt'))
  })

  test('titles are yellow on a terminal', async (t) => {
    const node = await fakeNode(t, {
      'GET tka/status': lockAnswer({ Enabled: true }),
      'GET tka/log': { body: lockLogBehind(transcript('cli-lock-log-genesis.json')) },
    })
    const { out } = await node.signet('lock log', { colour: true })
    const title = 'update EO6MU62OLDUWFJSRN3SHDZ4YQCHS2B6JWGWUCACUGIYD6F56Y4NQ (checkpoint)'
    assert.ok(out.startsWith(`\u001b[33m${title}\u001b[0m\n`), out)
  })

  test('a lock that is off is an error, with nothing on standard output', async (t) => {
    const node = await fakeNode(t, { 'GET tka/status': lockAnswer({}) })
    assert.deepEqual(await node.signet('lock log'), {
      code: 1,
      out: '',
      err: 'Tailnet Lock is not enabled\n',
    })
  })

  test('an update whose hash is wrong is not shown as JSON', async (t) => {
    const raw = Uint8Array.of(0xa2, 1, 3, 2, 0xf6)
    const log = encodeLockLog([{ Hash: new Uint8Array(32), Change: 'no-op', Raw: raw }])
    const node = await fakeNode(t, {
      'GET tka/status': lockAnswer({ Enabled: true }),
      'GET tka/log': { body: log },
    })
    const { code, err } = await node.signet('lock log --json')
    assert.equal(code, 1)
    assert.match(err, /incorrect AUM hash/)
    const text = await node.signet('lock log')
    assert.match(
      text.out,
      /^update \w{52} \(no-op\)\n\{\n\t"MessageKind": 3,\n\t"PrevAUMHash": null,/,
    )
  })
})

describe('lock errors, vectors/transcripts/cli-lock-errors.json', () => {
  const recorded = JSON.parse(transcript('cli-lock-errors.json')) as {
    cmd: string
    rc: number
    stderr: string
  }[]
  const on = transcript('cli-lock-status-on.json')
  const withOneKeyMore = on.replace(
    '"TrustedKeys": [',
    '"TrustedKeys": [{"Kind":"25519","Votes":1,"Public":"tlpub:7d796be705ae8719c8ffce3bb6d8c09c42d59b6a1b718d29f3c05d7032d26200"},',
  )
  recorded.forEach((row, index) => {
    const words = row.cmd.replace('tailscale ', '').split(' ')
    test(`${index}: ${words.slice(0, 2).join(' ')}: ${row.stderr.trim().split('\n').at(-1)}`, async (t) => {
      const said = /error: (\d+) [A-Za-z ]+: ([^]*)\n$/.exec(row.stderr)
      const refusal: Answer = { status: Number(said?.[1] ?? 500), body: `${said?.[2]}\n` }
      const node = await fakeNode(t, {
        'GET tka/status': { body: lockStatusBehind(withOneKeyMore) },
        'POST tka/sign': refusal,
        'POST tka/modify': refusal,
        'POST tka/disable': refusal,
        'POST tka/affected-sigs': refusal,
        'GET status': statusAnswer({}),
      })
      const { code, out, err } = await node.signet(words)
      assert.equal(err, asSignet(row.stderr))
      assert.equal(out, '')
      assert.equal(code, row.rc)
    })
  })
})

describe('lock init, vectors/transcripts', () => {
  const off = transcript('cli-lock-status-off.json')
  const args =
    'tlpub:73b7e770d34263c67827e18d0b10fa19dd14469c6dcf943bef20885a92f6e021 tlpub:75e7dc8f863b911b5b92ffaed4a25bdadaf824894f8cf3345ca85189ac7303f9'

  test('init-preview', async (t) => {
    const node = await fakeNode(t, { 'GET tka/status': { body: lockStatusBehind(off) } })
    const { code, out } = await node.signet(`lock init --gen-disablements 2 ${args}`)
    assert.equal(out, asSignet(transcript('cli-lock-init-preview.txt')))
    assert.equal(code, 0)
    assert.deepEqual(
      node.calls.map((call) => call.what),
      ['GET tka/status'],
    )
  })

  test('init-confirm, but for the words about support', async (t) => {
    const status = lockStatusBehind(off)
    const node = await fakeNode(t, {
      'GET tka/status': { body: status },
      'POST tka/init': { body: status },
    })
    const { code, out } = await node.signet(
      `lock init --confirm --gen-disablements=2 --gen-disablement-for-support ${args}`,
    )
    assert.equal(code, 0)
    const blank = (text: string): string =>
      text
        .replace(/(disablement-secret:)[0-9A-F]{64}/g, '$1')
        .replace(/\nA disablement secret for.*/, '')
    assert.equal(blank(out), blank(transcript('cli-lock-init-confirm.txt')))
  })
})

describe('lock revoke-keys, vectors/transcripts', () => {
  const screens = transcript('cli-lock-revoke-keys.txt')
    .split(/^\$ .*\n/m)
    .slice(1)
  const [draft = '', , cosigned = '', done = ''] = screens.map((screen) => `${screen.trimEnd()}\n`)
  const blobOf = (screen: string): string => /--cosign ([0-9A-F]+)/.exec(screen)?.[1] ?? ''
  const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex')
  const key = 'tlpub:7038763ac31bfbba6ac3ed3bb083de2f6f0d983c6a7bfab4a0b21b31945bbe05'

  test('draft', async (t) => {
    const node = await fakeNode(t, {
      'POST tka/generate-recovery-aum': { body: bytes(blobOf(draft)) },
    })
    assert.equal((await node.signet(`lock revoke-keys ${key}`)).out, asSignet(draft))
    const sent = JSON.parse(node.calls[0]!.body.toString()) as { ForkFrom: string }
    assert.equal(sent.ForkFrom, '')
  })

  test('cosign', async (t) => {
    const node = await fakeNode(t, {
      'POST tka/cosign-recovery-aum': { body: bytes(blobOf(cosigned)) },
    })
    const { out } = await node.signet(`lock revoke-keys --cosign ${blobOf(draft)}`)
    assert.equal(out, asSignet(cosigned))
    assert.deepEqual(node.calls[0]!.body, bytes(blobOf(draft)))
  })

  test('finish', async (t) => {
    const node = await fakeNode(t, { 'POST tka/submit-recovery-aum': {} })
    const { out } = await node.signet(`lock revoke-keys --finish ${blobOf(cosigned)}`)
    assert.equal(out, done)
  })
})

describe('status, vectors/transcripts', () => {
  test('lockedout, text: the official part, then what to run, exit code 3', async (t) => {
    const node = await fakeNode(t, {
      'GET status': { body: transcript('cli-status-lockedout.json') },
      'GET tka/status': {
        body: lockStatusBehind(transcript('cli-lock-status-lockedout.json')),
      },
    })
    const { code, out, err } = await node.signet('status')
    assert.equal(out, `${transcript('cli-status-lockedout.txt').trimEnd()}\n`)
    const command = /^\t(tailscale lock sign .*)$/m.exec(
      transcript('cli-lock-status-lockedout.txt'),
    )
    assert.ok(err.includes(`\n\t${asSignet(command![1]!)}\n`), err)
    assert.equal(code, 3)
  })

  for (const name of ['cli-status-running.json', 'cli-status-lockedout.json']) {
    test(`${name}, --json`, async (t) => {
      const node = await fakeNode(t, {
        'GET status': { body: transcript(name) },
        'GET tka/status': lockAnswer({}),
      })
      const { out } = await node.signet('status --json')
      assert.equal(out, transcript(name))
    })
  }
})
