// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import {
  defaultPrefs,
  encodeNodeStatus,
  encodeNotify,
  encodePrefs,
  nodeStatus,
  parsePrefsChange,
  parseStartOptions,
  peerStatus,
  type BackendState,
  type LockStatus,
  type Notify,
  type Prefs,
} from '@signet/protocol/local-api'
import { fakeNode, lockAnswer, type FakeNode } from './fake-node.ts'

interface Scene {
  /** States in the order in which the status is asked for; the last one stays. */
  readonly states: readonly BackendState[]
  readonly bus?: readonly Notify[]
  readonly prefs?: Partial<Prefs>
  readonly lock?: Partial<LockStatus>
  /** What the lock is before it is `lock`, one look each. */
  readonly locksBefore?: readonly Partial<LockStatus>[]
  readonly keys?: readonly string[]
}

const running: Notify = { Version: '1', State: 'Running' }

async function scene(t: TestContext, given: Scene): Promise<FakeNode> {
  const states = [...given.states]
  const keys = [...(given.keys ?? ['nodekey:1'])]
  const locks = [...(given.locksBefore ?? [])]
  return fakeNode(t, {
    'GET status': () => {
      const BackendState = states.length > 1 ? states.shift()! : states[0]!
      const PublicKey = keys.length > 1 ? keys.shift()! : keys[0]!
      return {
        body: encodeNodeStatus(
          nodeStatus({ BackendState, HaveNodeKey: true, Self: peerStatus({ PublicKey }) }),
        ),
      }
    },
    'GET prefs': { body: encodePrefs({ ...defaultPrefs, ControlURL: 'http://c', ...given.prefs }) },
    'PATCH prefs': { body: encodePrefs(defaultPrefs) },
    'GET watch-ipn-bus': {
      body: (given.bus ?? [running]).map(encodeNotify).join(''),
      stayOpen: true,
    },
    'POST start': { status: 204 },
    'POST login-interactive': { status: 204 },
    'GET tka/status': () => lockAnswer(locks.shift() ?? given.lock ?? {}),
  })
}

const sent = (node: FakeNode): string[] =>
  node.calls.map((call) => call.what).filter((what) => !what.startsWith('GET'))

describe('up', () => {
  test('of a stopped node only says that it shall run', async (t) => {
    const node = await scene(t, { states: ['Stopped', 'Running'] })
    const { code, err } = await node.signet('up')
    assert.deepEqual({ code, err }, { code: 0, err: '' })
    assert.deepEqual(sent(node), ['PATCH prefs'])
    assert.deepEqual(parsePrefsChange(node.calls.find((c) => c.what === 'PATCH prefs')!.body), {
      WantRunning: true,
    })
  })

  test('watches the bus before it begins', async (t) => {
    const node = await scene(t, { states: ['NeedsLogin', 'Running'] })
    await node.signet('up --auth-key k')
    const order = node.calls.map((call) => call.what)
    assert.ok(order.indexOf('GET watch-ipn-bus') < order.indexOf('POST start'), order.join())
    assert.equal(node.calls.find((c) => c.what === 'GET watch-ipn-bus')?.query, '?mask=2')
  })

  test('logs in with a key from a file, and keeps settings that are not mentioned', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'signet-cli-'))
    t.after(() => rmSync(dir, { recursive: true }))
    writeFileSync(join(dir, 'key'), 'tskey-auth-a-b\n')
    const node = await scene(t, {
      states: ['NeedsLogin', 'Running'],
      prefs: { ShieldsUp: true, Hostname: 'old' },
    })
    const { code } = await node.signet(
      `up --login-server http://127.0.0.1:1 --auth-key file:${join(dir, 'key')} --hostname new --advertise-tags a,tag:b --pin ${'a'.repeat(26)}`,
    )
    assert.equal(code, 0)
    assert.deepEqual(sent(node), ['POST start', 'POST login-interactive'])
    const options = parseStartOptions(node.calls.find((c) => c.what === 'POST start')!.body)
    assert.equal(options.AuthKey, 'tskey-auth-a-b')
    assert.equal(options.Pin, 'A'.repeat(26))
    assert.deepEqual(options.UpdatePrefs, {
      ...defaultPrefs,
      ControlURL: 'http://127.0.0.1:1',
      WantRunning: true,
      ShieldsUp: true,
      Hostname: 'new',
      AdvertiseTags: ['tag:a', 'tag:b'],
    })
  })

  test('--reset sets unmentioned settings back', async (t) => {
    const node = await scene(t, { states: ['Stopped', 'Running'], prefs: { ShieldsUp: true } })
    await node.signet('up --reset')
    const change = parsePrefsChange(node.calls.find((c) => c.what === 'PATCH prefs')!.body)
    assert.equal(change.ShieldsUp, false)
    assert.equal(change.ControlURL, 'http://c')
  })

  test('says where to log in, once, then that it worked', async (t) => {
    const url: Notify = { Version: '1', BrowseToURL: 'https://c/login/1' }
    const node = await scene(t, {
      states: ['NeedsLogin', 'NeedsLogin', 'Running'],
      bus: [{ Version: '1', State: 'NeedsLogin' }, url, url, running],
    })
    const { code, err } = await node.signet('up')
    assert.equal(code, 0)
    assert.equal(err, '\nTo authenticate, visit:\n\n\thttps://c/login/1\n\nSuccess.\n')
  })

  test('says that it waits for an approval, and gives up in time', async (t) => {
    const node = await scene(t, {
      states: ['NeedsLogin', 'NeedsMachineAuth'],
      bus: [
        { Version: '1', State: 'NeedsLogin' },
        { Version: '1', State: 'NeedsMachineAuth' },
      ],
    })
    const { code, err } = await node.signet('up --auth-key k --timeout 100ms')
    assert.equal(code, 4)
    assert.match(err, /To approve your machine, ask an admin/)
    assert.match(err, /\nGave up after 0\.1s waiting for the approval of this machine\n/)
  })

  test('passes on an error of the backend', async (t) => {
    const node = await scene(t, {
      states: ['NeedsLogin'],
      bus: [
        { Version: '1', State: 'NeedsLogin' },
        { Version: '1', ErrMessage: 'invalid key' },
      ],
    })
    const { code, err } = await node.signet('up --auth-key k')
    assert.equal(code, 1)
    assert.equal(err, 'backend error: invalid key\n')
  })

  test('--force-reauth waits for another node key', async (t) => {
    const node = await scene(t, {
      states: ['Running'],
      keys: ['nodekey:1', 'nodekey:1', 'nodekey:2'],
      bus: [running, running],
    })
    assert.equal((await node.signet('up --force-reauth')).code, 0)
    assert.deepEqual(sent(node), ['POST start', 'POST login-interactive'])
    assert.equal(node.calls.filter((call) => call.what === 'GET status').length, 3)
  })

  test('of a node that is locked out prints the command to run, exit code 3', async (t) => {
    const lock = {
      Enabled: true,
      NodeKey: `nodekey:${'3'.repeat(64)}`,
      PublicKey: `nlpub:${'6'.repeat(64)}`,
    }
    const node = await scene(t, { states: ['Stopped', 'Running'], lock })
    const { code, err } = await node.signet('up')
    assert.equal(code, 3)
    assert.ok(
      err.endsWith(`\n\tsignet lock sign nodekey:${'3'.repeat(64)} tlpub:${'6'.repeat(64)}\n`),
      err,
    )
  })

  describe('of a node that has to find a lock first', () => {
    const awaiting = {
      Enabled: true,
      NodeKey: `nodekey:${'3'.repeat(64)}`,
      Signet: {
        State: 'awaiting',
        Genesis: '',
        Pinned: true,
        ServerHead: '',
        FailedClosed: 'The pinned lock has not been found yet',
        Warnings: null,
      },
    }

    test('waits until it is found', async (t) => {
      const node = await scene(t, {
        states: ['Stopped', 'Running'],
        locksBefore: [awaiting, awaiting],
        lock: { ...awaiting, NodeKeySigned: true, Signet: { ...awaiting.Signet, State: 'on' } },
      })
      assert.equal((await node.signet('up')).code, 0)
      const looks = node.calls.filter((call) => call.what === 'GET tka/status')
      assert.equal(looks.length, 3)
    })

    test('gives up with exit code 3, and says what is shown instead', async (t) => {
      const Warnings = ['The server shows a lock that is not the pinned one']
      const lock = { ...awaiting, Signet: { ...awaiting.Signet, Warnings } }
      const node = await scene(t, { states: ['Stopped', 'Running'], lock })
      const { code, err } = await node.signet('up')
      assert.equal(code, 3)
      assert.match(err, /^Warning: The server shows a lock that is not the pinned one\n/)
      assert.match(err, /This node refuses all peers: The pinned lock has not been found yet\n/)
    })
  })

  test('--json reports the outcome', async (t) => {
    const node = await scene(t, { states: ['Stopped', 'Running'] })
    const { out } = await node.signet('up --json')
    assert.deepEqual(JSON.parse(out), { BackendState: 'Running', LockedOut: false })
  })

  const refused: readonly [string, string, Scene, RegExp][] = [
    [
      'another server without a new login',
      'up --login-server http://d',
      { states: ['Running'] },
      /can't change --login-server without --force-reauth/,
    ],
    [
      'no server at all',
      'up',
      { states: ['NeedsLogin'], prefs: { ControlURL: '' } },
      /does not know its server yet\n.*--login-server/,
    ],
    [
      'a server that is no address',
      'up --login-server c',
      { states: ['NeedsLogin'] },
      /not an http or https address/,
    ],
    [
      'a host name that is none',
      'up --hostname a_b',
      { states: ['Stopped'] },
      /"a_b" is not a host name/,
    ],
    [
      'a route that is none',
      'up --advertise-routes 10.0.0.0/99',
      { states: ['Stopped'] },
      /is not a prefix/,
    ],
    ['a duration that is none', 'up --timeout soon', { states: ['Stopped'] }, /takes a duration/],
    ['an argument', 'up now', { states: ['Stopped'] }, /unexpected argument "now"/],
  ]
  for (const [what, words, given, message] of refused) {
    test(`refused: ${what}`, async (t) => {
      const node = await scene(t, given)
      const { code, err } = await node.signet(words)
      assert.match(err, message)
      assert.equal(code, 2)
      assert.deepEqual(sent(node), [])
    })
  }
})

describe('login, logout, down, set, version', () => {
  test('login asks for a new key', async (t) => {
    const node = await scene(t, { states: ['Running'], keys: ['nodekey:1', 'nodekey:2'] })
    assert.equal((await node.signet('login')).code, 0)
    assert.deepEqual(sent(node), ['POST start', 'POST login-interactive'])
  })

  test('down stops the node, and says when it was stopped', async (t) => {
    const node = await scene(t, { states: ['Running', 'Stopped'] })
    await node.signet('down')
    assert.deepEqual(parsePrefsChange(node.calls.at(-1)!.body), { WantRunning: false })
    assert.equal((await node.signet('down')).err, 'Signet was already stopped.\n')
  })

  test('logout is passed on', async (t) => {
    const node = await fakeNode(t, { 'POST logout': { status: 204 } })
    assert.equal((await node.signet('logout')).code, 0)
  })

  test('set changes what is mentioned, and nothing else', async (t) => {
    const node = await scene(t, { states: ['Running'] })
    await node.signet('set --shields-up=false --advertise-routes= --hostname x')
    assert.deepEqual(parsePrefsChange(node.calls.at(-1)!.body), {
      ShieldsUp: false,
      AdvertiseRoutes: [],
      Hostname: 'x',
    })
    assert.equal((await node.signet('set')).code, 2)
  })

  test('version --daemon asks the node', async (t) => {
    const node = await fakeNode(t, {
      'GET status': { body: encodeNodeStatus(nodeStatus({ Version: '9.9' })) },
    })
    assert.match((await node.signet('version')).out, /^\d+\.\d+\.\d+\n$/)
    assert.match((await node.signet('version --daemon')).out, /^Client: .*\nDaemon: 9\.9\n$/)
  })
})
