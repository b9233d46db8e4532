// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { noLockSignature, peerStatus, type PeerStatus } from '@signet/protocol/local-api'
import { fakeNode, lockAnswer, signet, statusAnswer } from './fake-node.ts'

const key = (digit: string): string => `nodekey:${digit.repeat(64)}`
const peer = (digit: string, known: Partial<PeerStatus>): PeerStatus =>
  peerStatus({ PublicKey: key(digit), OS: 'linux', UserID: 1, Online: true, ...known })

const self = peer('1', { DNSName: 'a.tail.net.', TailscaleIPs: ['100.64.0.1'] })
const status = {
  MagicDNSSuffix: 'tail.net',
  Self: self,
  TailscaleIPs: ['100.64.0.1', 'fd7a::1'],
  User: { '1': { ID: 1, LoginName: 'ann@example.net', DisplayName: 'Ann' } },
  Peer: {
    [key('3')]: peer('3', {
      DNSName: 'c.tail.net.',
      TailscaleIPs: ['100.64.0.3'],
      Online: false,
      LastSeen: '2026-11-22T16:30:00Z',
    }),
    [key('2')]: peer('2', {
      DNSName: 'b.tail.net.',
      TailscaleIPs: ['100.64.0.2'],
      Active: true,
      CurAddr: '10.0.0.2:41641',
      TxBytes: 10,
      RxBytes: 20,
    }),
    [key('4')]: peer('4', { HostName: 'My Mac.local', TailscaleIPs: ['100.64.0.4'], UserID: 0 }),
  },
}
const lockOff = lockAnswer({})

describe('status', () => {
  test('is laid out as the official one', async (t) => {
    const node = await fakeNode(t, {
      'GET status': statusAnswer(status),
      'GET tka/status': lockOff,
    })
    const { code, out } = await node.signet('status')
    assert.equal(code, 0)
    // Every cell is padded, the last one too.
    assert.deepEqual(
      out.split('\n').map((line) => line.trimEnd()),
      [
        '100.64.0.1  a           ann@  linux  -',
        '100.64.0.4  ("my-mac")  -     linux  -',
        '100.64.0.2  b           ann@  linux  active; direct 10.0.0.2:41641, tx 10 rx 20',
        '100.64.0.3  c           ann@  linux  offline, last seen 1h ago',
        '',
      ],
    )
  })

  test('shows who the lock keeps out, and why', async (t) => {
    const refused = {
      Name: 'rogue.tail.net.',
      ID: 9,
      StableID: 'n9',
      TailscaleIPs: ['100.64.0.9'],
      NodeKey: key('9'),
      NodeKeySignature: noLockSignature,
      Reason: 'unsigned',
      ReasonText: 'no trusted key has signed this node',
    }
    const node = await fakeNode(t, {
      'GET status': statusAnswer(status),
      'GET tka/status': lockAnswer({
        Enabled: true,
        NodeKey: key('1'),
        NodeKeySigned: true,
        FilteredPeers: [refused],
      }),
    })
    const { code, out } = await node.signet('status')
    assert.equal(code, 0)
    assert.ok(
      out.endsWith(
        `\n# Locked out by tailnet lock:\n#     - rogue.tail.net 100.64.0.9 ${key('9')}: no trusted key has signed this node\n`,
      ),
      out,
    )
  })

  test('of a node that refuses everybody says why, exit code 3', async (t) => {
    const node = await fakeNode(t, {
      'GET status': statusAnswer(status),
      'GET tka/status': lockAnswer({
        Enabled: true,
        NodeKey: key('1'),
        Signet: {
          State: 'broken',
          Genesis: '',
          Pinned: false,
          ServerHead: '',
          FailedClosed: 'the stored authority is damaged',
          Warnings: ['the server shows another head'],
        },
      }),
    })
    const { code, out, err } = await node.signet('status')
    assert.equal(code, 3)
    assert.match(err, /^This node refuses all peers: the stored authority is damaged\n/)
    assert.match(out, /# Lock warnings:\n# {5}- the server shows another head\n/)
  })

  test('--json has exit code 3 too when the node is locked out', async (t) => {
    const node = await fakeNode(t, {
      'GET status': statusAnswer(status),
      'GET tka/status': lockAnswer({ Enabled: true, NodeKey: key('1') }),
    })
    const { code, out } = await node.signet('status --json')
    assert.equal(code, 3)
    assert.equal((JSON.parse(out) as { BackendState: string }).BackendState, 'Running')
  })

  test('works with a daemon that has no lock', async (t) => {
    const node = await fakeNode(t, { 'GET status': statusAnswer(status) })
    assert.equal((await node.signet('status')).code, 0)
  })

  test('--peers=false asks for no peers, --self=false leaves this node out', async (t) => {
    const node = await fakeNode(t, {
      'GET status': statusAnswer({ ...status, Peer: null }),
      'GET tka/status': lockOff,
    })
    const { out } = await node.signet('status --peers=false --self=false --header')
    assert.deepEqual(node.calls.map((call) => call.what + call.query).sort(), [
      'GET status?peers=false',
      'GET tka/status',
    ])
    assert.match(out, /^IP {2}Hostname {2}Owner {2}OS {2}Status {2}\n/)
    assert.equal(out.split('\n').length, 3)
  })

  test('--active shows only active peers', async (t) => {
    const node = await fakeNode(t, {
      'GET status': statusAnswer(status),
      'GET tka/status': lockOff,
    })
    const { out } = await node.signet('status --active')
    assert.deepEqual(
      out
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ +/)[1]),
      ['a', 'b'],
    )
  })

  for (const [state, text] of [
    ['Stopped', 'Signet is stopped.\n'],
    ['NeedsLogin', 'Logged out.\n'],
    ['NeedsMachineAuth', 'Machine is not yet approved by tailnet admin.\n'],
    ['NoState', 'unexpected state: NoState\n'],
  ] as const) {
    test(`of a node in state ${state} has exit code 4`, async (t) => {
      const node = await fakeNode(t, {
        'GET status': statusAnswer({ BackendState: state }),
        'GET tka/status': lockOff,
      })
      const { code, out, err } = await node.signet('status')
      assert.equal(code, 4)
      assert.equal(out, '')
      assert.ok(err.startsWith(text), err)
    })
  }

  test('says where to log in', async (t) => {
    const node = await fakeNode(t, {
      'GET status': statusAnswer({ BackendState: 'NeedsLogin', AuthURL: 'https://x/a/1' }),
      'GET tka/status': lockOff,
    })
    assert.equal((await node.signet('status')).err, 'Logged out.\nLog in at: https://x/a/1\n')
  })

  test('without a node has exit code 4, and says what to do', async () => {
    const { code, err } = await signet('--socket /nowhere/node.sock status')
    assert.equal(code, 4)
    assert.equal(
      err,
      'Cannot reach the Signet node at /nowhere/node.sock: there is no such socket\nStart it with "signet node", or name its socket with --socket PATH (or SIGNET_SOCKET).\n',
    )
  })
})

describe('--socket', () => {
  test('may stand before the command or after it, and wins over SIGNET_SOCKET', async (t) => {
    const node = await fakeNode(t, {
      'GET status': statusAnswer(status),
      'GET tka/status': lockOff,
    })
    const env = { SIGNET_SOCKET: '/nowhere' }
    for (const words of [
      `--socket ${node.socket} status`,
      `--socket=${node.socket} status`,
      `status --socket ${node.socket}`,
      `status -socket=${node.socket}`,
    ]) {
      assert.equal((await signet(words, { env })).code, 0, words)
    }
    assert.equal((await signet('status', { env })).code, 4)
  })
})

describe('ip', () => {
  const rows: readonly [string, number, string, RegExp][] = [
    ['ip', 0, '100.64.0.1\nfd7a::1\n', /^$/],
    ['ip -4', 0, '100.64.0.1\n', /^$/],
    ['ip -6', 0, 'fd7a::1\n', /^$/],
    ['ip -1', 0, '100.64.0.1\n', /^$/],
    ['ip b', 0, '100.64.0.2\n', /^$/],
    ['ip B.TAIL.net.', 0, '100.64.0.2\n', /^$/],
    ['ip 100.64.0.3', 0, '100.64.0.3\n', /^$/],
    ['ip -6 b', 1, '', /no Tailscale IPv6 address/],
    ['ip --assert 100.64.0.1', 0, '', /^$/],
    ['ip --assert 100.64.0.7', 1, '', /assertion failed: IP "100\.64\.0\.7" not found/],
    ['ip nobody', 1, '', /no node is called "nobody"/],
    ['ip 1.2.3.4', 1, '', /no peer or service found with IP 1\.2\.3\.4/],
    ['ip -4 -6', 2, '', /mutually exclusive/],
    ['ip a b', 2, '', /too many arguments/],
  ]
  for (const [words, exit, text, message] of rows) {
    test(words, async (t) => {
      const node = await fakeNode(t, { 'GET status': statusAnswer(status) })
      const { code, out, err } = await node.signet(words)
      assert.match(err, message)
      assert.equal(out, text)
      assert.equal(code, exit)
    })
  }
})
