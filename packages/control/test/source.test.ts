// SPDX-License-Identifier: Apache-2.0

/**
 * Whom a request is from, with proxies and with those who pretend to be one; and what proxies need of the door.
 */

import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { TLSSocket } from 'node:tls'
import { createFakeClock } from '@signet/testkit'
import { createBootstrapDns } from '../src/http/bootstrap-dns.ts'
import { createSourceOf } from '../src/http/source.ts'
import type { Source, SourceRequest } from '../src/http/source.ts'
import { BOOTSTRAP_DNS_KEEP_MS } from '../src/limits.ts'
import { startRealServer } from './support/real-client.ts'

function from(peer: string, headers: IncomingHttpHeaders = {}, isTls = false): SourceRequest {
  const socket = isTls ? new TLSSocket(new Socket()) : new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: peer })
  return { headers, socket }
}

describe('createSourceOf()', () => {
  const sourceOf = createSourceOf(['10.0.0.0/8', '192.0.2.1', 'fd00::/8'])
  const forwarded = (list: string, protocol?: string): IncomingHttpHeaders => ({
    'x-forwarded-for': list,
    ...(protocol !== undefined && { 'x-forwarded-proto': protocol }),
  })
  const rows: readonly (readonly [string, SourceRequest, Omit<Source, 'port'>])[] = [
    ['the peer', from('203.0.113.5'), { address: '203.0.113.5', isSecure: false }],
    ['IPv4 as such', from('::ffff:203.0.113.5'), { address: '203.0.113.5', isSecure: false }],
    ['TLS', from('203.0.113.5', {}, true), { address: '203.0.113.5', isSecure: true }],
    [
      'no headers of a stranger',
      from('203.0.113.5', forwarded('198.51.100.1', 'https')),
      { address: '203.0.113.5', isSecure: false },
    ],
    [
      'the client of a proxy',
      from('10.1.2.3', forwarded('198.51.100.1', 'https')),
      { address: '198.51.100.1', isSecure: true },
    ],
    [
      'no address that the client wrote itself',
      from('192.0.2.1', forwarded('127.0.0.1, 198.51.100.1, 10.9.9.9')),
      { address: '198.51.100.1', isSecure: false },
    ],
    [
      'nothing behind what is no address',
      from('fd00::1', forwarded('198.51.100.1, unknown, 10.9.9.9')),
      { address: '10.9.9.9', isSecure: false },
    ],
    [
      'addresses with ports',
      from('::ffff:10.0.0.1', forwarded('[2001:db8::7]:80, 10.0.0.2:443')),
      { address: '2001:db8::7', isSecure: false },
    ],
    [
      'a proxy that says nothing',
      from('10.0.0.1', forwarded('')),
      { address: '10.0.0.1', isSecure: false },
    ],
    [
      'what the nearest proxy saw',
      from('10.0.0.1', forwarded('198.51.100.1', 'https, http')),
      { address: '198.51.100.1', isSecure: false },
    ],
    [
      'what is next to a trusted prefix',
      from('11.0.0.0', forwarded('198.51.100.1')),
      { address: '11.0.0.0', isSecure: false },
    ],
    ['no address at all', from(''), { address: '', isSecure: false }],
  ]
  for (const [what, request, expected] of rows) {
    it(`takes ${what}`, () => {
      const { address, isSecure } = sourceOf(request)
      assert.deepEqual({ address, isSecure }, expected)
    })
  }

  for (const prefix of ['10.0.0.0/33', '10.0.0/8', 'proxy.example', '10.0.0.0/8/8', '::1/x', '']) {
    it(`refuses to trust ${JSON.stringify(prefix)}`, () => {
      assert.throws(() => createSourceOf([prefix]), { code: 'bad-config' })
    })
  }
})

describe('createBootstrapDns()', () => {
  it('answers for its host only, and asks a name server now and then', async () => {
    const clock = createFakeClock()
    let asked = 0
    const answer = createBootstrapDns('a.example', clock, async () => {
      asked += 1
      return ['192.0.2.7', '2001:db8::7']
    })
    assert.deepEqual(JSON.parse(await answer()), { 'a.example': ['192.0.2.7', '2001:db8::7'] })
    clock.advance(BOOTSTRAP_DNS_KEEP_MS - 1)
    await answer()
    assert.equal(asked, 1)
    clock.advance(1)
    await answer()
    assert.equal(asked, 2)
  })

  it('has no answer for an address, or while the name server has none', async () => {
    const clock = createFakeClock()
    assert.equal(await createBootstrapDns('192.0.2.7', clock)(), '{}')
    assert.equal(
      await createBootstrapDns('a.example', clock, () => Promise.reject(new Error('no')))(),
      '{}',
    )
  })

  it('is off unless asked for', async () => {
    await using off = await startRealServer()
    assert.equal((await fetch(`${off.control.url}/bootstrap-dns?q=a`)).status, 404)
    await using on = await startRealServer({ bootstrapDns: true, url: 'https://localhost' })
    const response = await fetch(`http://127.0.0.1:${on.control.port}/bootstrap-dns?q=a.example`)
    const { localhost } = (await response.json()) as { localhost: string[] }
    assert.ok(localhost.some((address) => address === '127.0.0.1' || address === '::1'))
  })
})
