// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { paddingFor, Session } from '../src/transport.ts'
import * as limits from '../src/limits.ts'

const LAST_HIGH = limits.REJECT_AFTER_MESSAGES_HIGH
const LAST_LOW = limits.REJECT_AFTER_MESSAGES_LOW

function pair(firstCounter: readonly [number, number] = [0, 0]): [Session, Session] {
  const make = (isInitiator: boolean): Session =>
    new Session({
      keys: {
        send: new Uint8Array(32).fill(isInitiator ? 1 : 2),
        receive: new Uint8Array(32).fill(isInitiator ? 2 : 1),
        remoteIndex: isInitiator ? 20 : 10,
      },
      localIndex: isInitiator ? 10 : 20,
      isInitiator,
      createdAt: 1000,
      firstCounter,
    })
  return [make(true), make(false)]
}

describe('Session', () => {
  test('opens what the other side sealed, any size, padded with zeros', () => {
    const [a, b] = pair()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.boolean(), (packet, forward) => {
        const [from, to] = forward ? [a, b] : [b, a]
        const content = to.open(from.seal(packet, 1280))
        assert.deepEqual(content.subarray(0, packet.length), packet)
        assert.equal(content.length, packet.length + paddingFor(packet.length, 1280))
        assert.ok(content.subarray(packet.length).every((byte) => byte === 0))
      }),
      { numRuns: 100 },
    )
  })

  test('carries its counter over 32 bits', () => {
    const [a, b] = pair([0, 0xffff_fffe])
    for (let i = 0; i < 4; i++) b.open(a.seal(new Uint8Array(1), 0))
    const message = a.seal(new Uint8Array(0), 0)
    assert.deepEqual([...message.subarray(8, 16)], [2, 0, 0, 0, 1, 0, 0, 0])
  })

  test('takes its keys over: the bytes passed in are zero afterwards', () => {
    const send = new Uint8Array(32).fill(3)
    const receive = new Uint8Array(32).fill(4)
    const keys = { send, receive, remoteIndex: 1 }
    const session = new Session({ keys, localIndex: 1, isInitiator: true, createdAt: 0 })
    assert.ok([...send, ...receive].every((byte) => byte === 0))
    assert.equal(session.seal(new Uint8Array(0), 0).length, 32)
  })

  test('asks for new keys from 2^60 messages on, whoever was the initiator', () => {
    const before = pair([limits.REKEY_AFTER_MESSAGES_HIGH - 1, 0xffff_ffff])
    for (const session of before) {
      assert.equal(session.needsRekeyAfterSending(1000), false)
      session.seal(new Uint8Array(0), 0)
      assert.equal(session.needsRekeyAfterSending(1000), true)
    }
  })

  test('seals up to the last counter and no further', () => {
    const [a, b] = pair([LAST_HIGH, LAST_LOW - 1])
    assert.ok(a.canSeal(1000))
    b.open(a.seal(new Uint8Array(1), 0))
    assert.ok(!a.canSeal(1000))
    assert.throws(() => a.seal(new Uint8Array(1), 0), { code: 'session-expired' })
  })

  test('ages: initiator renews at 120 s, both stop at 180 s', () => {
    const [a, b] = pair()
    assert.equal(a.needsRekeyAfterSending(1000 + 119_999), false)
    assert.equal(a.needsRekeyAfterSending(1000 + 120_000), true)
    assert.equal(b.needsRekeyAfterSending(1000 + 179_999), false)
    assert.equal(a.needsRekeyAfterReceiving(1000 + 164_999), false)
    assert.equal(a.needsRekeyAfterReceiving(1000 + 165_000), true)
    assert.equal(b.needsRekeyAfterReceiving(1000 + 170_000), false)
    assert.equal(b.canSeal(1000 + 179_999), true)
    assert.equal(b.canSeal(1000 + 180_000), false)
  })

  const spoil: readonly [
    what: string,
    change: (message: Uint8Array) => Uint8Array,
    code: string,
  ][] = [
    ['counter changed', (m) => flipped(m, 8), 'not-decryptable'],
    ['high counter changed', (m) => flipped(m, 15), 'not-decryptable'],
    ['content changed', (m) => flipped(m, 16), 'not-decryptable'],
    ['tag changed', (m) => flipped(m, m.length - 1), 'not-decryptable'],
    ['one byte missing', (m) => m.subarray(0, -1), 'not-decryptable'],
    ['one byte more', (m) => Uint8Array.of(...m, 0), 'not-decryptable'],
    ['only a header', (m) => m.subarray(0, 16), 'not-decryptable'],
    ['empty', () => new Uint8Array(0), 'not-decryptable'],
  ]
  for (const [what, change, code] of spoil) {
    test(`open() refuses a message with ${what}, and takes the right one after it`, () => {
      const [a, b] = pair()
      const message = a.seal(Uint8Array.of(1, 2, 3), 1280)
      assert.throws(() => b.open(change(message)), { code })
      assert.equal(b.open(message).length, 16)
      assert.throws(() => b.open(message), { code: 'replayed-counter' })
    })
  }

  test('open() refuses what was sealed for the other direction or another session', () => {
    const [a, b] = pair()
    assert.throws(() => a.open(a.seal(new Uint8Array(4), 0)), { code: 'not-decryptable' })
    const keys = { send: new Uint8Array(32), receive: new Uint8Array(32), remoteIndex: 1 }
    const other = new Session({ keys, localIndex: 1, isInitiator: true, createdAt: 0 })
    assert.throws(() => b.open(other.seal(new Uint8Array(4), 0)), { code: 'not-decryptable' })
  })
})

function flipped(message: Uint8Array, at: number): Uint8Array {
  const copy = message.slice()
  copy[at] = (copy[at] ?? 0) ^ 0x40
  return copy
}
