// SPDX-License-Identifier: Apache-2.0

/**
 * Messages and boxes by themselves. What official nodes write and read is in vectors/wire/disco.json.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { discoPrivateFromBytes, discoPublicOf, nodePublicFromBytes } from '@signet/keys'
import * as fc from 'fast-check'
import {
  decodeDiscoMessage,
  DiscoError,
  type DiscoMessage,
  discoSender,
  discoShared,
  encodeDiscoMessage,
  looksLikeDisco,
  openDisco,
  sealDisco,
} from '../src/index.ts'

const own = discoPrivateFromBytes(new Uint8Array(32).fill(1))
const other = discoPrivateFromBytes(new Uint8Array(32).fill(2))
const third = discoPrivateFromBytes(new Uint8Array(32).fill(3))
const nonce = new Uint8Array(24).fill(9)

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const endpoint = fc.record({
  // An IPv6 address that is not a mapped one.
  address: fc.oneof(
    bytes(4),
    bytes(16).map((raw) => Uint8Array.of(0xfd, ...raw.slice(1))),
  ),
  port: fc.nat(65_535),
})
const message: fc.Arbitrary<DiscoMessage> = fc.oneof(
  fc.record({
    type: fc.constant('ping' as const),
    transaction: bytes(12),
    nodeKey: bytes(32).map(nodePublicFromBytes),
    padding: fc.nat(100),
  }),
  fc.record({ type: fc.constant('pong' as const), transaction: bytes(12), source: endpoint }),
  fc.record({
    type: fc.constant('call-me-maybe' as const),
    endpoints: fc.array(endpoint, { maxLength: 5 }),
  }),
)

describe('decodeDiscoMessage()', () => {
  test('reads back what was written', () => {
    fc.assert(
      fc.property(message, (each) => {
        assert.deepEqual(decodeDiscoMessage(encodeDiscoMessage(each)), structuredClone(each))
      }),
    )
  })

  test('refuses any bytes with an error of its own, or reads them', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 0, max: 10 }),
        (body, type) => {
          try {
            decodeDiscoMessage(Uint8Array.of(type, ...body))
          } catch (error) {
            assert.ok(error instanceof DiscoError, String(error))
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('openDisco()', () => {
  const packet = sealDisco(own, discoShared(own, discoPublicOf(other)), nonce, Uint8Array.of(1, 2))

  test('opens for the receiver, and tells the sender', () => {
    assert.ok(looksLikeDisco(packet))
    assert.equal(discoSender(packet), discoPublicOf(own))
    const opened = openDisco(discoShared(other, discoPublicOf(own)), packet)
    assert.deepEqual(opened, Uint8Array.of(1, 2))
  })

  test('refuses a box for somebody else, and a byte changed anywhere in it', () => {
    const refused = { name: 'DiscoError', code: 'bad-box' }
    assert.throws(() => openDisco(discoShared(third, discoPublicOf(own)), packet), refused)
    const shared = discoShared(other, discoPublicOf(own))
    for (let at = 38; at < packet.length; at++) {
      const changed = Uint8Array.from(packet)
      changed[at]! ^= 1
      assert.throws(() => openDisco(shared, changed), refused, `byte ${at}`)
    }
  })

  test('refuses what has no mark or is too short for a box', () => {
    const shared = discoShared(other, discoPublicOf(own))
    assert.throws(() => openDisco(shared, packet.subarray(0, 61)), { code: 'not-disco' })
    assert.throws(() => openDisco(shared, packet.subarray(0, 62)), { code: 'bad-box' })
    assert.throws(() => discoSender(packet.subarray(1)), { code: 'not-disco' })
  })
})
