// SPDX-License-Identifier: Apache-2.0

/**
 * Two devices and a network that a test bends: each test is a story with the clock in hand.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Flight } from '@signet/testkit'
import { createDevice, parsePrefix } from '../src/index.ts'
import { MessageType, messageType } from '../src/message.ts'
import * as limits from '../src/limits.ts'
import { createPair, createSeededRandom, createWorld, ipv4Packet, type Party } from './harness.ts'

const SECOND = 1_000

function types(flights: readonly Flight[]): string {
  const letters = { 1: 'I', 2: 'R', 3: 'C', 4: 'D' } as const
  return flights
    .map(({ datagram }) => {
      const type = messageType(datagram)
      if (type === null) return '?'
      return type === MessageType.Transport && datagram.length === 32 ? 'k' : letters[type]
    })
    .join('')
}

/** Sends one packet each way so that both sides have a confirmed session. */
function connect(a: Party, b: Party, world: { clock: { advance(ms: number): void } }): void {
  a.say('hello', b)
  world.clock.advance(10)
  b.say('hello', a)
  world.clock.advance(10)
  assert.ok(a.heard().includes('hello'))
  assert.ok(b.heard().includes('hello'))
}

describe('a handshake', () => {
  test('starts with the first packet, and what waited arrives in order', () => {
    const { a, b, clock, network } = createPair()
    for (const text of ['one', 'two', 'three']) a.say(text, b)
    clock.advance(10)
    assert.deepEqual(b.heard(), ['one', 'two', 'three'])
    assert.equal(types(network.sent), 'IRDDD')
  })

  test('lets the responder send only after it heard from the initiator', () => {
    const { a, b, clock, network } = createPair()
    // Everything that A says after the initiation is lost.
    network.setRule(({ from, sequence }) => (from === a.socket.address && sequence > 0 ? [] : [1]))
    a.say('lost', b)
    clock.advance(10)
    b.say('must wait', a)
    clock.advance(SECOND)
    assert.deepEqual(a.heard(), [])
    assert.equal(types(network.sent.filter(({ from }) => from === b.socket.address)), 'R')
    assert.equal(b.device.status(a.key)?.hasSession, false)
    network.setRule(null)
    clock.advance(20 * SECOND)
    assert.deepEqual(a.heard(), ['must wait'])
  })

  test('is confirmed with a keepalive when there is nothing to say', () => {
    const { a, b, clock, network } = createPair()
    a.say('x', b)
    clock.advance(10)
    network.clearSent()
    clock.advance(9 * SECOND)
    assert.equal(types(network.sent), '')
    clock.advance(2 * SECOND)
    assert.equal(types(network.sent), 'k', 'the receiver shows that it lives, once')
    clock.advance(60 * SECOND)
    assert.equal(types(network.sent), 'k')
    assert.equal(b.device.status(a.key)?.hasSession, true)
  })

  test('is repeated every five seconds and given up after ninety', () => {
    const { a, b, clock, network } = createPair()
    network.setRule(() => [])
    const start = clock.now()
    a.say('never', b)
    clock.advance(4_999)
    assert.equal(types(network.sent), 'I')
    clock.advance(400)
    assert.equal(types(network.sent), 'II')
    clock.advance(200 * SECOND)
    assert.equal(network.sent.length, 1 + limits.MAX_HANDSHAKE_RETRIES)
    network.setRule(null)
    clock.advance(600 * SECOND)
    assert.deepEqual(b.heard(), [], 'what waited was dropped')
    assert.equal(a.device.nextDeadline(), Number.POSITIVE_INFINITY, 'and nothing ticks on')
    assert.ok(clock.now() - start > 0)
    a.say('again', b)
    clock.advance(10)
    assert.deepEqual(b.heard(), ['again'])
  })

  test('survives the loss of any one message', () => {
    for (const lost of [0, 1, 2]) {
      const { a, b, clock, network } = createPair()
      network.setRule(({ sequence }) => (sequence === lost ? [] : [1]))
      a.say('first', b)
      clock.advance(100)
      a.say('second', b)
      clock.advance(20 * SECOND)
      assert.ok(b.heard().includes('second'), `message ${lost} lost`)
      b.say('back', a)
      clock.advance(20 * SECOND)
      assert.deepEqual(a.heard(), ['back'], `message ${lost} lost`)
    }
  })

  test('of both sides at once gives both a session', () => {
    const { a, b, clock, network } = createPair()
    a.say('from a', b)
    b.say('from b', a)
    clock.advance(100)
    assert.deepEqual(b.heard(), ['from a'])
    assert.deepEqual(a.heard(), ['from b'])
    assert.equal(types(network.sent).replace(/[^IR]/g, ''), 'IIRR')
    for (let i = 0; i < 20; i++) {
      clock.advance(30 * SECOND)
      a.say(`a${i}`, b)
      b.say(`b${i}`, a)
      clock.advance(100)
    }
    assert.equal(b.heard().length, 21)
    assert.equal(a.heard().length, 21)
    assert.equal(a.dropped('not-decryptable') + b.dropped('not-decryptable'), 0)
  })

  test('of both sides at once works when either response is lost', () => {
    for (const loser of [0, 1]) {
      const { a, b, clock, network } = createPair()
      let responses = 0
      network.setRule(({ datagram }) => {
        if (messageType(datagram) !== MessageType.Response) return [1]
        return responses++ === loser ? [] : [1]
      })
      a.say('from a', b)
      b.say('from b', a)
      clock.advance(10 * SECOND)
      assert.deepEqual(b.heard(), ['from a'])
      assert.deepEqual(a.heard(), ['from b'])
    }
  })

  test('goes to all candidate endpoints until one answers, then to that one', () => {
    const { a, b, clock, network } = createPair()
    const wrong = ['203.0.113.1:1', '203.0.113.2:2']
    a.device.setPeers([b.config({ endpoints: [...wrong, b.socket.address, wrong[0] ?? ''] })])
    a.say('x', b)
    clock.advance(10)
    assert.deepEqual(
      network.sent.slice(0, 3).map(({ to }) => to),
      [...wrong, b.socket.address],
    )
    assert.deepEqual(b.heard(), ['x'])
    assert.equal(a.device.status(b.key)?.endpoint, b.socket.address)
    network.clearSent()
    clock.advance(121 * SECOND)
    a.say('y', b)
    clock.advance(10)
    assert.ok(network.sent.every(({ to }) => !wrong.includes(to)))
    assert.ok(types(network.sent).includes('I'))
  })

  test('goes to at most eight candidates', () => {
    const { a, b, clock, network } = createPair()
    const many = Array.from({ length: 50 }, (_, i) => `203.0.113.1:${i}`)
    a.device.setPeers([b.config({ endpoints: many })])
    a.say('x', b)
    clock.advance(10)
    assert.equal(network.sent.length, limits.MAX_CANDIDATE_ENDPOINTS)
  })

  test('that is under way reaches a candidate that is learned meanwhile', () => {
    const { a, b, clock, network } = createPair()
    a.device.setPeers([b.config({ endpoints: [] })])
    a.say('x', b)
    clock.advance(SECOND)
    assert.equal(network.sent.length, 0)
    a.device.setPeers([b.config()])
    clock.advance(10)
    assert.deepEqual(b.heard(), ['x'])
  })

  test('keeps a bounded number of packets, the newest', () => {
    const { a, b, clock, network } = createPair()
    network.setRule(() => [])
    for (let i = 0; i < limits.MAX_STAGED_PACKETS + 10; i++) a.say(String(i), b)
    network.setRule(null)
    clock.advance(10 * SECOND)
    assert.equal(b.heard().length, limits.MAX_STAGED_PACKETS)
    assert.equal(b.heard()[0], '10')
  })
})

describe('a session', () => {
  test('is renewed by its initiator after 120 s of sending', () => {
    const { a, b, clock, network } = createPair()
    connect(a, b, { clock })
    network.clearSent()
    for (let i = 0; i < 30; i++) {
      clock.advance(10 * SECOND)
      a.say(`${i}`, b)
      b.say(`${i}`, a)
    }
    clock.advance(10)
    assert.equal(b.heard().length, 31)
    assert.equal(a.heard().length, 31)
    const initiations = network.sent.filter(
      ({ datagram }) => messageType(datagram) === MessageType.Initiation,
    )
    assert.equal(initiations.length, 2)
    assert.ok(initiations.every(({ from }) => from === a.socket.address))
  })

  test('that was renewed is confirmed at once, also when nothing waits to be said', () => {
    const { a, b, clock, network } = createPair()
    connect(a, b, { clock })
    clock.advance(121 * SECOND)
    network.clearSent()
    a.say('old enough', b)
    clock.advance(10)
    assert.equal(types(network.sent), 'IDRk')
    clock.advance(150 * SECOND)
    network.clearSent()
    b.say('the first session would be dead by now', a)
    clock.advance(10)
    assert.equal(types(network.sent), 'D')
  })

  test('is renewed by its initiator when it receives at 165 s, before it ends', () => {
    for (const [at, expected] of [
      [164, 'D'],
      [166, 'DIRk'],
    ] as const) {
      const { a, b, clock, network } = createPair()
      connect(a, b, { clock })
      clock.advance(at * SECOND)
      network.clearSent()
      b.say('x', a)
      clock.advance(10)
      assert.equal(types(network.sent), expected, `${at} s`)
    }
  })

  test('is renewed in time for a flow that goes one way only, in either direction', () => {
    for (const direction of ['initiator sends', 'responder sends']) {
      const { a, b, clock } = createPair()
      connect(a, b, { clock })
      const [from, to] = direction === 'initiator sends' ? [a, b] : [b, a]
      for (let i = 0; i < 400; i++) {
        clock.advance(SECOND)
        from.say(`${i}`, to)
      }
      clock.advance(10)
      assert.equal(to.heard().length, 401, direction)
    }
  })

  test('of an idle pair ends after 180 s, and the next packet makes a new one', () => {
    const { a, b, clock, network } = createPair()
    connect(a, b, { clock })
    clock.advance(181 * SECOND)
    assert.equal(a.device.status(b.key)?.hasSession, false)
    network.clearSent()
    b.say('after', a)
    clock.advance(10)
    assert.ok(a.heard().includes('after'))
    assert.equal(types(network.sent).slice(0, 2), 'IR')
  })

  test('opens nothing after 180 s', () => {
    const { a, b, clock, network } = createPair()
    connect(a, b, { clock })
    network.setRule(({ sequence, datagram }) =>
      messageType(datagram) === MessageType.Transport && sequence >= 0 ? [200 * SECOND] : [],
    )
    a.say('late', b)
    clock.advance(201 * SECOND)
    assert.ok(!b.heard().includes('late'))
    assert.equal(b.dropped('session-expired') + b.dropped('unknown-index'), 1)
  })

  test('is forgotten with all its keys 540 s after it was made', () => {
    const { a, b, clock } = createPair()
    connect(a, b, { clock })
    clock.advance(541 * SECOND)
    assert.equal(a.device.nextDeadline(), Number.POSITIVE_INFINITY)
    assert.equal(b.device.nextDeadline(), Number.POSITIVE_INFINITY)
  })

  test('that sends into silence asks again after 15 s', () => {
    const { a, b, clock, network } = createPair()
    connect(a, b, { clock })
    b.device.close()
    network.clearSent()
    a.say('anybody?', b)
    clock.advance(14 * SECOND)
    assert.equal(types(network.sent), 'D')
    clock.advance(2 * SECOND)
    assert.equal(types(network.sent), 'DI')
  })

  test('finds a peer that restarted at another address', () => {
    const { a, b, clock, network, party } = createPair()
    connect(a, b, { clock })
    b.socket.close()
    b.device.close()
    const reborn = party('b again', 2)
    reborn.socket.move('198.51.100.7:9')
    reborn.device.setPeers([a.config()])
    a.device.setPeers([b.config({ endpoints: [b.socket.address, '198.51.100.7:9'] })])
    a.say('lost in the old session', b)
    clock.advance(20 * SECOND)
    a.say('found', b)
    clock.advance(10)
    assert.ok(reborn.heard().includes('found'))
    assert.ok(network.sent.length > 0)
  })

  test('opens packets in any order, each once', () => {
    const { a, b, clock, network } = createPair()
    connect(a, b, { clock })
    network.setRule(({ sequence }) => [1 + ((sequence * 7919) % 97), 200 + (sequence % 13)])
    for (let i = 0; i < 200; i++) a.say(String(i), b)
    clock.advance(SECOND)
    const heard = b.heard().slice(1)
    assert.equal(heard.length, 200)
    assert.equal(new Set(heard).size, 200)
    assert.notDeepEqual(
      heard,
      heard.toSorted((x, y) => Number(x) - Number(y)),
    )
    assert.equal(b.dropped('replayed-counter'), 200)
  })

  test('opens what was sealed with the previous keys while new ones are made', () => {
    const { a, b, clock, network } = createPair()
    connect(a, b, { clock })
    clock.advance(119 * SECOND)
    network.setRule(({ datagram }) =>
      messageType(datagram) === MessageType.Transport ? [500] : [1],
    )
    a.say('old keys', b)
    clock.advance(2 * SECOND)
    a.say('also old, asks for new', b)
    clock.advance(10)
    network.setRule(null)
    a.say('new keys overtake', b)
    clock.advance(SECOND)
    assert.deepEqual(b.heard().slice(1).toSorted(), [
      'also old, asks for new',
      'new keys overtake',
      'old keys',
    ])
  })
})

describe('roaming', () => {
  test('follows the last authenticated packet', () => {
    const { a, b, clock } = createPair()
    connect(a, b, { clock })
    a.socket.move('198.51.100.1:5')
    a.say('from elsewhere', b)
    clock.advance(10)
    assert.equal(b.device.status(a.key)?.endpoint, '198.51.100.1:5')
    b.say('to elsewhere', a)
    clock.advance(10)
    assert.ok(a.heard().includes('to elsewhere'))
  })

  test('does not follow a packet that was replayed or tampered with from another address', () => {
    const { a, b, clock, network } = createPair()
    connect(a, b, { clock })
    a.say('x', b)
    clock.advance(10)
    const before = b.device.status(a.key)?.endpoint
    const last = network.sent.findLast(({ from }) => from === a.socket.address)
    assert.ok(last)
    b.device.receive(last.datagram, 'attacker:1')
    const tampered = last.datagram.slice()
    tampered[8] = (tampered[8] ?? 0) + 1
    b.device.receive(tampered, 'attacker:1')
    assert.equal(b.dropped('replayed-counter'), 1)
    assert.equal(b.dropped('not-decryptable'), 1)
    assert.equal(b.device.status(a.key)?.endpoint, before)
  })

  test('does not follow an old initiation that is new to a peer which restarted', () => {
    const { a, b, clock, network, party } = createPair()
    connect(a, b, { clock })
    const old = network.sent[0]
    assert.ok(old)
    b.socket.close()
    b.device.close()
    const reborn = party('b again', 2)
    reborn.device.setPeers([a.config()])
    reborn.device.receive(old.datagram, 'attacker:1')
    assert.equal(network.sent.at(-1)?.to, 'attacker:1', 'it is answered where it came from')
    assert.equal(reborn.device.status(a.key)?.endpoint, null)
    reborn.say('to the real one', a)
    clock.advance(10 * SECOND)
    assert.ok(a.heard().includes('to the real one'))
    assert.equal(reborn.device.status(a.key)?.endpoint, a.socket.address)
  })

  test('does not follow a replayed initiation', () => {
    const { a, b, clock, network } = createPair()
    connect(a, b, { clock })
    const initiation = network.sent[0]
    assert.ok(initiation)
    network.clearSent()
    b.device.receive(initiation.datagram, 'attacker:1')
    assert.equal(b.dropped('stale-timestamp'), 1)
    assert.equal(network.sent.length, 0)
    assert.equal(b.device.status(a.key)?.endpoint, a.socket.address)
  })
})

describe('peers', () => {
  test('that are removed lose their sessions at once, also with packets on their way', () => {
    const { a, b, clock, network } = createPair()
    connect(a, b, { clock })
    network.setRule(() => [50])
    a.say('on its way', b)
    b.device.setPeers([])
    clock.advance(100)
    assert.deepEqual(b.heard(), ['hello'])
    assert.equal(b.dropped('unknown-index'), 1)
    assert.equal(b.device.status(a.key), null)
    assert.equal(b.say('to nobody', a), null)
    clock.advance(30 * SECOND)
    assert.equal(b.device.nextDeadline(), Number.POSITIVE_INFINITY)
    assert.ok(b.dropped('unknown-peer') > 0, 'its initiations go unanswered')
    const answers = network.sent.filter(({ from }) => from === b.socket.address)
    assert.equal(types(answers), 'RD', 'nothing but what B sent while A was its peer')
  })

  test('that are removed while a handshake is under way cannot finish it', () => {
    const { a, b, clock } = createPair()
    a.say('x', b)
    a.device.setPeers([])
    clock.advance(10)
    assert.equal(a.dropped('unknown-index'), 1)
    a.device.setPeers([b.config()])
    clock.advance(10)
    assert.equal(a.device.status(b.key)?.hasSession, false)
  })

  test('that stay keep their sessions when others come and go', () => {
    const { a, b, clock, network, party } = createPair()
    connect(a, b, { clock })
    const c = party('c', 3)
    network.clearSent()
    a.device.setPeers([c.config(), b.config()])
    a.say('same session', b)
    clock.advance(10)
    a.device.setPeers([b.config()])
    a.say('still', b)
    clock.advance(10)
    assert.deepEqual(b.heard().slice(-2), ['same session', 'still'])
    assert.equal(types(network.sent), 'DD')
  })

  test('cannot take an address that an earlier peer has', () => {
    const { a, b, clock, party } = createPair()
    const thief = party('thief', 9)
    a.device.setPeers([b.config(), thief.config({ allowedIps: [parsePrefix(b.ip)] })])
    assert.equal(a.say('x', b), b.key)
    clock.advance(10)
    assert.deepEqual(b.heard(), ['x'])
    a.device.setPeers([thief.config({ allowedIps: [parsePrefix(b.ip)] })])
    assert.equal(a.say('x', b), thief.key)
  })

  test('may not send from addresses that are not theirs', () => {
    const { a, b, clock } = createPair()
    connect(a, b, { clock })
    a.device.sendPacket(ipv4Packet('100.64.0.77', b.ip, 'spoofed'))
    clock.advance(10)
    assert.equal(b.dropped('source-not-allowed'), 1)
    assert.deepEqual(b.heard(), ['hello'])
  })

  test('never include the device itself', () => {
    const { a } = createPair()
    a.device.setPeers([a.config()])
    assert.equal(a.device.status(a.key), null)
    assert.equal(a.say('to myself', a), null)
  })

  test('with an unusable key are passed over without harm', () => {
    const { a, b, clock, network } = createPair()
    const zero = a.key.replace(/[0-9a-f]{64}$/, '0'.repeat(64)) as typeof a.key
    a.device.setPeers([
      b.config({ key: zero, allowedIps: [parsePrefix('10.0.0.0/8')] }),
      b.config(),
    ])
    assert.equal(a.device.sendPacket(ipv4Packet(a.ip, '10.1.2.3', 'x')), zero)
    clock.advance(20 * SECOND)
    assert.equal(network.sent.length, 0)
    a.say('fine', b)
    clock.advance(10)
    assert.deepEqual(b.heard(), ['fine'])
  })

  test('that are unknown get no answer at all', () => {
    const { a, b, clock, network } = createPair()
    b.device.setPeers([])
    a.say('x', b)
    clock.advance(20 * SECOND)
    assert.equal(b.dropped('unknown-peer'), 4)
    assert.ok(network.sent.every(({ from }) => from === a.socket.address))
  })

  test('that are restarted shake hands anew at once', () => {
    const { a, b, clock, network } = createPair()
    connect(a, b, { clock })
    network.clearSent()
    a.device.restartPeer(b.key)
    a.say('anew', b)
    clock.advance(30)
    assert.equal(types(network.sent).slice(0, 3), 'IRD')
    assert.ok(b.heard().includes('anew'))
  })
})

describe('a device under load', () => {
  test('asks for a cookie, and answers a sender that brings it', () => {
    const { clock, network, party } = createWorld()
    const a = party('a', 1)
    const b = party('b', 2, { underLoadHandshakesPerSecond: 0 })
    a.device.setPeers([b.config()])
    b.device.setPeers([a.config()])
    a.say('patient', b)
    clock.advance(4 * SECOND)
    assert.equal(types(network.sent), 'IC')
    assert.equal(b.dropped('under-load'), 1)
    clock.advance(4 * SECOND)
    assert.deepEqual(b.heard(), ['patient'])
    assert.equal(types(network.sent).slice(0, 5), 'ICIRD')
  })

  test('does not take a cookie from another address', () => {
    const { clock, network, party } = createWorld()
    const a = party('a', 1)
    const b = party('b', 2, { underLoadHandshakesPerSecond: 0 })
    a.device.setPeers([b.config()])
    b.device.setPeers([a.config()])
    a.say('x', b)
    clock.advance(SECOND)
    a.socket.move('198.51.100.1:5')
    clock.advance(5 * SECOND)
    assert.equal(types(network.sent), 'ICIC')
    clock.advance(6 * SECOND)
    assert.deepEqual(b.heard(), ['x'], 'the cookie for the new address works')
  })

  test('answers messages without mac1 with nothing at all', () => {
    const { clock, network, party } = createWorld()
    const a = party('a', 1)
    const b = party('b', 2, { underLoadHandshakesPerSecond: 0 })
    const c = party('c', 3)
    // A believes that B has the key of C: mac1 is made for C.
    a.device.setPeers([c.config({ endpoints: [b.socket.address] })])
    b.device.setPeers([a.config()])
    a.say('x', c)
    clock.advance(SECOND)
    assert.equal(b.dropped('bad-mac1'), 1)
    assert.equal(types(network.sent), 'I')
  })

  test('limits how much one source may ask for', () => {
    const { clock, network, party } = createWorld()
    const b = party('b', 2, { underLoadHandshakesPerSecond: 0 })
    const many = Array.from({ length: 40 }, (_, i) => party(`p${i}`, 10 + i))
    b.device.setPeers(many.map((one) => one.config()))
    for (const one of many) one.device.setPeers([b.config()])
    // All share one address, with different ports, as behind one NAT.
    for (const [i, one] of many.entries()) one.socket.move(`198.51.100.1:${i}`)
    for (const one of many) one.say('x', b)
    clock.advance(10)
    assert.equal(b.dropped('under-load'), 40)
    // Retries come within a third of a second: 5 at once, and 20 a second after that.
    network.setRule(({ to }) => (to === b.socket.address ? [1] : []))
    clock.advance(5_500)
    assert.ok(b.dropped('rate-limited') >= 25, String(b.dropped('rate-limited')))
    assert.ok(b.dropped('rate-limited') <= 35, String(b.dropped('rate-limited')))
  })

  test('asks responders for a cookie too', () => {
    const { clock, network, party } = createWorld()
    const a = party('a', 1, { underLoadHandshakesPerSecond: 0 })
    const b = party('b', 2)
    a.device.setPeers([b.config()])
    b.device.setPeers([a.config()])
    a.say('patient', b)
    clock.advance(8 * SECOND)
    assert.equal(types(network.sent).slice(0, 6), 'IRCIRD')
    assert.deepEqual(b.heard(), ['patient'])
  })

  test('is under load only above its threshold, and not for long', () => {
    const { clock, party } = createWorld()
    const b = party('b', 2, { underLoadHandshakesPerSecond: 5 })
    const many = Array.from({ length: 7 }, (_, i) => party(`p${i}`, 10 + i))
    b.device.setPeers(many.map((one) => one.config()))
    for (const one of many) one.device.setPeers([b.config()])
    for (const one of many) one.say('x', b)
    clock.advance(10)
    assert.equal(b.dropped('under-load'), 2)
    clock.advance(20 * SECOND)
    assert.equal(b.delivered.length, 7)
    assert.equal(b.dropped('under-load'), 2)
  })
})

describe('a flood', () => {
  test('of initiations by one peer within 20 ms is dropped', () => {
    const { a, b, clock, network, party } = createPair()
    a.say('x', b)
    clock.advance(10)
    // The same key on a second machine, a few milliseconds later by its own clock.
    const clone = party('a again', 1)
    clone.device.setPeers([b.config()])
    clone.socket.move('198.51.100.1:5')
    network.clearSent()
    clock.advance(9)
    clone.say('too soon', b)
    clock.advance(2)
    assert.equal(b.dropped('initiation-flood') + b.dropped('stale-timestamp'), 1)
    assert.equal(types(network.sent), 'I')
  })
})

test('sendPacket() takes what fits into a datagram and no more', () => {
  const { a, b, clock } = createPair()
  const fits = ipv4Packet(a.ip, b.ip, 'x'.repeat(limits.MAX_CONTENT_SIZE - 20))
  assert.equal(a.device.sendPacket(fits), b.key)
  clock.advance(10)
  assert.equal(b.delivered[0]?.length, limits.MAX_CONTENT_SIZE)
  const larger = ipv4Packet(a.ip, b.ip, 'x'.repeat(limits.MAX_CONTENT_SIZE - 19))
  assert.equal(a.device.sendPacket(larger), null)
})

describe('close()', () => {
  test('ends everything', () => {
    const { a, b, clock, network } = createPair()
    connect(a, b, { clock })
    network.clearSent()
    a.device.close()
    assert.equal(a.say('x', b), null)
    b.say('x', a)
    clock.advance(60 * SECOND)
    assert.ok(network.sent.every(({ from }) => from === b.socket.address))
    assert.throws(() => a.device.setPeers([]), { code: 'closed' })
    assert.equal(a.device.nextDeadline(), Number.POSITIVE_INFINITY)
  })
})

test('createDevice() refuses a private key of the wrong length', () => {
  for (const length of [0, 31, 33]) {
    assert.throws(
      () =>
        createDevice({
          privateKey: new Uint8Array(length),
          now: () => 0,
          random: createSeededRandom(1),
          effects: { send: () => {}, deliver: () => {} },
        }),
      { code: 'bad-key' },
    )
  }
})
