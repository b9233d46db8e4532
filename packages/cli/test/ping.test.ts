// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  encodePingResult,
  encodeWhoIs,
  noLockSignature,
  peerStatus,
} from '@signet/protocol/local-api'
import { fakeNode, lockAnswer, statusAnswer, type Answer } from './fake-node.ts'

const status = statusAnswer({
  MagicDNSSuffix: 'tail.net',
  Self: peerStatus({
    PublicKey: 'nodekey:1',
    DNSName: 'a.tail.net.',
    TailscaleIPs: ['100.64.0.1'],
  }),
  Peer: {
    'nodekey:2': peerStatus({
      PublicKey: 'nodekey:2',
      DNSName: 'b.tail.net.',
      TailscaleIPs: ['100.64.0.2'],
    }),
  },
})
const pong = (more: object): Answer => ({
  body: encodePingResult({ NodeName: 'b', NodeIP: '100.64.0.2', LatencySeconds: 0.0123, ...more }),
})
const refused = {
  Name: 'rogue.tail.net.',
  ID: 9,
  StableID: 'n9',
  TailscaleIPs: ['100.64.0.9'],
  NodeKey: 'nodekey:9',
  NodeKeySignature: noLockSignature,
  Reason: 'unsigned',
  ReasonText: 'no trusted key has signed this node',
}

describe('ping', () => {
  test('prints the path and the time, and stops on a direct path', async (t) => {
    const node = await fakeNode(t, {
      'GET status': status,
      'POST ping': pong({ Endpoint: '10.0.0.2:41641' }),
    })
    const { code, out } = await node.signet('ping b')
    assert.equal(out, 'pong from b (100.64.0.2) via 10.0.0.2:41641 in 12ms\n')
    assert.equal(code, 0)
    assert.equal(node.calls.at(-1)?.query, '?ip=100.64.0.2&type=disco&size=0')
  })

  for (const [flag, kind] of [
    ['--tsmp', 'TSMP'],
    ['--icmp', 'ICMP'],
  ] as const) {
    test(`${flag} asks for ${kind}, once`, async (t) => {
      const node = await fakeNode(t, { 'GET status': status, 'POST ping': pong({}) })
      const { out } = await node.signet(`ping ${flag} 100.64.0.2`)
      assert.equal(out, `pong from b (100.64.0.2) via ${kind} in 12ms\n`)
    })
  }

  test('over a relay goes on, and fails in the end', async (t) => {
    const node = await fakeNode(t, {
      'GET status': status,
      'POST ping': pong({ DERPRegionID: 1, DERPRegionCode: 'fra' }),
    })
    const { code, out, err } = await node.signet('ping -c 2 b')
    assert.equal(out, 'pong from b (100.64.0.2) via DERP(fra) in 12ms\n'.repeat(2))
    assert.equal(err, 'direct connection not established\n')
    assert.equal(code, 1)
  })

  test('without an answer has exit code 4', async (t) => {
    const node = await fakeNode(t, {
      'GET status': status,
      'GET tka/status': lockAnswer({}),
      'POST ping': { body: '', stayOpen: true },
    })
    const { code, out, err } = await node.signet('ping -c 1 --timeout 50ms b')
    assert.equal(out, 'ping "100.64.0.2" timed out\n')
    assert.equal(err, 'no reply\n')
    assert.equal(code, 4)
  })

  for (const target of ['rogue', 'rogue.tail.net', '100.64.0.9']) {
    test(`of a locked-out peer by ${target} has exit code 3 and the reason`, async (t) => {
      const node = await fakeNode(t, {
        'GET status': status,
        'GET tka/status': lockAnswer({ Enabled: true, FilteredPeers: [refused] }),
        'POST ping': pong({ Err: 'no matching peer' }),
      })
      const { code, err } = await node.signet(`ping ${target}`)
      assert.equal(code, 3)
      assert.match(
        err,
        /^rogue\.tail\.net is locked out by tailnet lock: no trusted key has signed/,
      )
    })
  }

  test('of the own name is answered without a ping', async (t) => {
    const node = await fakeNode(t, { 'GET status': status })
    assert.equal((await node.signet('ping a')).out, '100.64.0.1 is local Tailscale IP\n')
  })

  test('needs one name', async (t) => {
    const node = await fakeNode(t, { 'GET status': status })
    assert.equal((await node.signet('ping')).code, 2)
    assert.equal((await node.signet('ping a b')).code, 2)
  })
})

describe('whois', () => {
  const who = {
    Node: {
      ID: 2,
      StableID: 'n2',
      Name: 'b.tail.net.',
      User: 1,
      Addresses: ['100.64.0.2/32', 'fd7a::2/128'],
      AllowedIPs: ['100.64.0.2/32', 'fd7a::2/128', '10.0.0.0/8'],
    },
    UserProfile: { ID: 1, LoginName: 'ann@example.net', DisplayName: 'Ann' },
  }

  test('is laid out as the official one', async (t) => {
    const node = await fakeNode(t, { 'GET whois': { body: encodeWhoIs(who) } })
    const { out } = await node.signet('whois 100.64.0.2:80')
    assert.equal(
      out,
      `Machine:
  Name:           b.tail.net
  ID:             n2
  Addresses:      [100.64.0.2/32 fd7a::2/128]
  AllowedIPs:     [10.0.0.0/8]
User:
  Name:     ann@example.net
  ID:       1
`,
    )
    assert.equal(node.calls[0]?.query, '?addr=100.64.0.2%3A80')
  })

  test('shows tags in place of a user', async (t) => {
    const tagged = { ...who, Node: { ...who.Node, Tags: ['tag:a', 'tag:b'] } }
    const node = await fakeNode(t, { 'GET whois': { body: encodeWhoIs(tagged) } })
    assert.match((await node.signet('whois x')).out, / {2}Tags: +tag:a, tag:b\n$/)
  })

  test('passes on what the node said', async (t) => {
    const node = await fakeNode(t, { 'GET whois': { status: 404, body: 'no match for IP:port' } })
    const { code, err } = await node.signet('whois 1.2.3.4')
    assert.equal(code, 1)
    assert.equal(err, 'error: 404 Not Found: no match for IP:port\n')
  })
})
