// SPDX-License-Identifier: Apache-2.0

/**
 * What a relay has to show before a node speaks to it, and which of the map's addresses are dialled.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { DERPNode } from '@signet/protocol'
import { createAuthority, selfSigned, type MadeCertificate } from '@signet/testkit/certificates'
import { createRelayDialer, relayTargets } from '../src/paths/relay-dial.ts'

const authority = createAuthority()

async function startTls(t: TestContext, made: MadeCertificate): Promise<number> {
  const server = createServer({ cert: made.cert, key: made.key })
  server.on('upgrade', (_request, stream) => {
    stream.on('error', () => stream.destroy())
    stream.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n')
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function targets(change: Partial<DERPNode>) {
  const node = { Name: '1a', RegionID: 1, HostName: 'relay.example', ...change }
  return relayTargets({ RegionID: 1, RegionCode: 'one', RegionName: 'One', Nodes: [null, node] })
}

/** Returns '' when the relay may be spoken to, or why not. */
async function dial(t: TestContext, port: number, change: Partial<DERPNode>): Promise<string> {
  const [target] = targets({ IPv4: '127.0.0.1', DERPPort: port, ...change })
  assert.ok(target)
  return new Promise((resolve) => {
    createRelayDialer(authority.cert).dial(target, {
      opened(stream) {
        t.after(() => stream.destroy())
        resolve('')
      },
      failed: resolve,
    })
  })
}

const pinOf = ({ cert }: MadeCertificate): string =>
  `sha256-raw:${new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase()}`

test('dial() takes a certificate for the name of the host, or the one that the map gives', async (t) => {
  const port = await startTls(t, authority.issue({ names: ['relay.example'] }))
  assert.equal(await dial(t, port, {}), '')
  assert.match(await dial(t, port, { HostName: 'other.example' }), /altnames/)
  assert.equal(await dial(t, port, { HostName: 'other.example', CertName: 'relay.example' }), '')
  assert.match(await dial(t, port, { CertName: 'other.example' }), /altnames/)
})

test('dial() takes a certificate of nobody known only by its hash, for its name, in its time', async (t) => {
  const names = ['relay.example']
  const own = selfSigned({ names })
  const port = await startTls(t, own)
  assert.match(await dial(t, port, {}), /self-signed/)
  assert.equal(await dial(t, port, { CertName: pinOf(own) }), '')
  const other = pinOf(selfSigned({ names }))
  for (const CertName of [other, 'sha256-raw:', 'sha256-raw:zz', `${pinOf(own)}00`]) {
    assert.match(await dial(t, port, { CertName }), /not the one/, CertName)
  }
  assert.match(await dial(t, port, { HostName: 'b.example', CertName: pinOf(own) }), /not for/)
  const old = selfSigned({ names, from: 0, until: Date.now() - 1_000 })
  const oldPort = await startTls(t, old)
  assert.match(await dial(t, oldPort, { CertName: pinOf(old) }), /not valid/)
})

test('dial() does not speak TLS to a relay for tests, nor anything else to others', async (t) => {
  const port = await startTls(t, authority.issue({ names: ['relay.example'] }))
  assert.notEqual(await dial(t, port, { InsecureForTests: true }), '')
})

test('relayTargets() has nothing for what cannot be dialled, and does not throw', () => {
  const addressOf = (change: Partial<DERPNode>) => targets(change).map(({ address }) => address)
  assert.deepEqual(addressOf({}), ['relay.example'])
  assert.deepEqual(addressOf({ IPv4: '192.0.2.1', IPv6: '2001:db8::1' }), [
    '192.0.2.1',
    '2001:db8::1',
  ])
  assert.deepEqual(addressOf({ IPv4: 'none', IPv6: 'none' }), ['relay.example'])
  for (const HostName of ['', 'a b', 'a\r\nb: c', '\0', 'é', 'a'.repeat(254), 'a/b']) {
    assert.deepEqual(addressOf({ HostName }), [], JSON.stringify(HostName))
  }
  assert.deepEqual(addressOf({ HostName: 'a'.repeat(253) }).length, 1)
  for (const DERPPort of [-1, 65_536]) assert.deepEqual(addressOf({ DERPPort }), [], `${DERPPort}`)
  assert.deepEqual(addressOf({ STUNOnly: true }), [])
})
