// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { AllowedIps, type IpPrefix, parseIp, parsePrefix } from '../src/index.ts'
import { ipv4Packet } from './harness.ts'

function table(rows: Record<string, string>): AllowedIps<string> {
  const routes = new AllowedIps<string>()
  for (const [prefix, owner] of Object.entries(rows)) routes.add(parsePrefix(prefix), owner)
  return routes
}

function lookup(routes: AllowedIps<string>, text: string): string | undefined {
  const address = parseIp(text)
  assert.ok(address)
  return routes.lookup(address)
}

test('lookup() returns the owner of the longest block', () => {
  const routes = table({
    '0.0.0.0/0': 'exit',
    '10.0.0.0/8': 'net',
    '10.1.0.0/16': 'site',
    '10.1.2.3/32': 'host',
    '::/0': 'exit6',
    'fd7a:115c:a1e0::/48': 'tail',
    'fd7a:115c:a1e0::7/128': 'seven',
    'fd7a:115c:a1e0::8/125': 'eights',
  })
  assert.equal(lookup(routes, '10.1.2.3'), 'host')
  assert.equal(lookup(routes, '10.1.2.4'), 'site')
  assert.equal(lookup(routes, '10.2.2.4'), 'net')
  assert.equal(lookup(routes, '9.9.9.9'), 'exit')
  assert.equal(lookup(routes, '255.255.255.255'), 'exit')
  assert.equal(lookup(routes, 'fd7a:115c:a1e0::7'), 'seven')
  assert.equal(lookup(routes, 'fd7a:115c:a1e0::f'), 'eights')
  assert.equal(lookup(routes, 'fd7a:115c:a1e0::10'), 'tail')
  assert.equal(lookup(routes, '2001:db8::1'), 'exit6')
})

test('lookup() keeps the families apart', () => {
  const routes = table({ '0.0.0.0/0': 'four' })
  assert.equal(lookup(routes, '::1'), undefined)
  assert.equal(lookup(routes, '::ffff:1.2.3.4'), undefined)
})

test('add() leaves a block with its first owner', () => {
  const routes = new AllowedIps<string>()
  assert.equal(routes.add(parsePrefix('100.64.0.1'), 'first'), true)
  assert.equal(routes.add(parsePrefix('100.64.0.1'), 'second'), false)
  assert.equal(lookup(routes, '100.64.0.1'), 'first')
})

test('ownerOfSource() and ownerOfDestination() read packets, and only whole headers', () => {
  const routes = table({ '10.0.0.1/32': 'a', '10.0.0.2/32': 'b', '::1/128': 'c', '::2/128': 'd' })
  const v4 = ipv4Packet('10.0.0.1', '10.0.0.2', '')
  assert.equal(routes.ownerOfSource(v4), 'a')
  assert.equal(routes.ownerOfDestination(v4), 'b')
  assert.equal(routes.ownerOfDestination(v4.subarray(0, 19)), undefined)
  const v6 = new Uint8Array(40)
  v6[0] = 0x60
  v6[23] = 1
  v6[39] = 2
  assert.equal(routes.ownerOfSource(v6), 'c')
  assert.equal(routes.ownerOfDestination(v6), 'd')
  assert.equal(routes.ownerOfDestination(v6.subarray(0, 39)), undefined)
  assert.equal(routes.ownerOfSource(new Uint8Array(0)), undefined)
  assert.equal(routes.ownerOfSource(new Uint8Array(60)), undefined)
})

test('lookup() agrees with comparing bit by bit', () => {
  const sizes = fc.constantFrom(4, 16)
  const prefixes = sizes.chain((size) =>
    fc.record({
      address: fc.uint8Array({ minLength: size, maxLength: size, max: 3 }),
      bits: fc.integer({ min: 0, max: size * 8 }),
    }),
  )
  const addresses = sizes.chain((size) =>
    fc.uint8Array({ minLength: size, maxLength: size, max: 3 }),
  )
  fc.assert(
    fc.property(fc.array(prefixes, { maxLength: 12 }), fc.array(addresses), (list, asked) => {
      const routes = new AllowedIps<IpPrefix>()
      for (const prefix of list) routes.add(prefix, prefix)
      for (const address of asked) {
        const best = list
          .filter((prefix) => contains(prefix, address))
          .reduce<IpPrefix | undefined>(
            (longest, next) => (longest === undefined || next.bits > longest.bits ? next : longest),
            undefined,
          )
        assert.equal(routes.lookup(address), best)
      }
    }),
  )
})

function contains({ address, bits }: IpPrefix, other: Uint8Array): boolean {
  if (address.length !== other.length) return false
  for (let i = 0; i < bits; i++) {
    const differ = (address[i >> 3] ?? 0) ^ (other[i >> 3] ?? 0)
    if (((differ >> (7 - (i & 7))) & 1) === 1) return false
  }
  return true
}
