// SPDX-License-Identifier: Apache-2.0

/**
 * Hostile datagrams: a device never throws, never answers what it must not, never delivers what
 * was not sealed for it, and goes on working.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MessageType, messageType } from '../src/message.ts'
import { createPair } from './harness.ts'

test('receive() takes any bytes without throwing', () => {
  const { a, b, clock } = createPair()
  a.say('x', b)
  clock.advance(10)
  const typed = fc
    .tuple(fc.constantFrom(1, 2, 3, 4, 0, 255), fc.constantFrom(148, 92, 64, 32, 48, 33, 1, 1500))
    .chain(([type, length]) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => {
        bytes.set([type, 0, 0, 0].slice(0, length))
        return bytes
      }),
    )
  fc.assert(
    fc.property(fc.oneof(typed, fc.uint8Array({ maxLength: 200 })), (datagram) => {
      b.device.receive(datagram, 'attacker:1')
      b.device.tick()
    }),
    { numRuns: 500 },
  )
  assert.deepEqual(b.heard(), ['x'])
  assert.notEqual(b.device.status(a.key)?.endpoint, 'attacker:1')
  a.say('still there', b)
  clock.advance(10)
  assert.deepEqual(b.heard(), ['x', 'still there'])
})

test('receive() takes mutations of real datagrams without throwing or delivering them', () => {
  const { a, b, clock, network } = createPair()
  a.say('x', b)
  clock.advance(10)
  b.say('y', a)
  a.say('z', b)
  clock.advance(10)
  const real = network.sent.map(({ datagram, to }) => ({ datagram, to }))
  const delivered = [a.delivered.length, b.delivered.length]
  const mutation = fc.record({
    which: fc.integer({ min: 0, max: real.length - 1 }),
    at: fc.nat({ max: 200 }),
    bit: fc.integer({ min: 0, max: 7 }),
    cut: fc.option(fc.nat({ max: 160 })),
  })
  fc.assert(
    fc.property(mutation, ({ which, at, bit, cut }) => {
      const { datagram, to } = real[which]!
      let copy = datagram.slice()
      const index = at % copy.length
      copy[index] = copy[index]! ^ (1 << bit)
      if (cut !== null) copy = copy.slice(0, cut)
      const party = to === a.socket.address ? a : b
      const answersBefore = network.sent.length
      party.device.receive(copy, 'attacker:1')
      // The sender's index is protected by mac1 only, and every mutation spoils mac1.
      assert.equal(network.sent.length, answersBefore)
    }),
    { numRuns: 500 },
  )
  assert.deepEqual([a.delivered.length, b.delivered.length], delivered)
  assert.equal(a.device.status(b.key)?.endpoint, b.socket.address)
  assert.equal(b.device.status(a.key)?.endpoint, a.socket.address)
})

test('two devices on a bad network end up hearing each other', () => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.integer({ min: 0, max: 99 })), (luck) => {
      const { a, b, clock, network } = createPair()
      const draw = (): number => luck.next().value ?? 50
      network.setRule(() => {
        const roll = draw()
        if (roll < 30) return []
        if (roll < 45) return [draw(), draw() * 3]
        return [1 + draw() * 2]
      })
      for (let i = 0; i < 40; i++) {
        clock.advance(draw() * 300)
        if (draw() < 60) a.say(`a${i}`, b)
        if (draw() < 60) b.say(`b${i}`, a)
      }
      // The first packets may be sealed for a session that the other side lost; silence heals it.
      network.setRule(null)
      a.say('probe of a', b)
      b.say('probe of b', a)
      clock.advance(30_000)
      a.say('last of a', b)
      b.say('last of b', a)
      clock.advance(100)
      assert.equal(b.heard().at(-1), 'last of a')
      assert.equal(a.heard().at(-1), 'last of b')
      for (const party of [a, b]) {
        assert.equal(new Set(party.heard()).size, party.heard().length, 'nothing twice')
      }
    }),
    { numRuns: 20 },
  )
})

test('receive() drops every message to a device without peers', () => {
  const { a, b, network, clock } = createPair()
  b.device.setPeers([])
  a.say('x', b)
  clock.advance(10)
  assert.ok(network.sent.every(({ datagram }) => messageType(datagram) === MessageType.Initiation))
})
