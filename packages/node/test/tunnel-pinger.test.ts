// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createFakeClock, type FakeClock } from '@signet/testkit'
import { encodeIcmpEcho, parseIcmpEcho } from '../src/tunnel/icmp.ts'
import { type IpPacket, parseIpPacket } from '../src/tunnel/packet.ts'
import { createPinger, type Pinger, type PingKind } from '../src/tunnel/pinger.ts'
import { encodeTsmpPong, parseTsmp } from '../src/tunnel/tsmp.ts'

const HERE = Uint8Array.of(100, 64, 0, 1)
const THERE = Uint8Array.of(100, 64, 0, 2)
const ELSEWHERE = Uint8Array.of(100, 64, 0, 3)

function setUp(): {
  clock: FakeClock
  pinger: Pinger
  sent: IpPacket[]
  ping: (kind: PingKind) => Promise<number>
} {
  const clock = createFakeClock()
  const sent: IpPacket[] = []
  let counter = 0
  const pinger = createPinger({
    clock,
    random: (length) => new Uint8Array(length).fill(++counter),
    send(packet) {
      const parsed = parseIpPacket(packet)
      assert.ok(parsed)
      sent.push(parsed)
    },
  })
  const ping = (kind: PingKind): Promise<number> =>
    pinger.ping({ kind, source: HERE, destination: THERE, timeoutMs: 1000 })
  return { clock, pinger, sent, ping }
}

/** Returns the answer that `from` would give to a ping, or to one of the other kind. */
function answer(ping: IpPacket | undefined, from: Uint8Array, kind: PingKind): IpPacket {
  assert.ok(ping)
  const echo = parseIcmpEcho(ping)
  const tsmp = parseTsmp(ping)
  const token = echo?.data ?? (tsmp?.kind === 'ping' ? tsmp.token : assert.fail('no ping'))
  const bytes =
    kind === 'TSMP'
      ? encodeTsmpPong(from, HERE, token, 0)
      : encodeIcmpEcho(from, HERE, { kind: 'reply', id: 1, sequence: 1, data: token })
  return parseIpPacket(bytes) ?? assert.fail('no packet')
}

describe('Pinger', () => {
  for (const kind of ['ICMP', 'TSMP'] as const) {
    test(`takes the answer to its ${kind} ping once, and says how long it took`, async () => {
      const { clock, pinger, sent, ping } = setUp()
      const result = ping(kind)
      clock.advance(12)
      const reply = answer(sent[0], THERE, kind)
      assert.equal(pinger.takeReply(reply), true)
      assert.equal(await result, 12)
      assert.equal(pinger.takeReply(reply), false)
      assert.equal(clock.waiting(), 0)
    })

    test(`does not take an answer to its ${kind} ping from another address`, async () => {
      const { clock, pinger, sent, ping } = setUp()
      const result = ping(kind)
      assert.equal(pinger.takeReply(answer(sent[0], ELSEWHERE, kind)), false)
      clock.advance(1000)
      await assert.rejects(result, { code: 'timeout' })
    })

    test(`does not take an answer of the other kind to its ${kind} ping`, async () => {
      const { clock, pinger, sent, ping } = setUp()
      const result = ping(kind)
      const other = kind === 'ICMP' ? 'TSMP' : 'ICMP'
      assert.equal(pinger.takeReply(answer(sent[0], THERE, other)), false)
      clock.advance(1000)
      await assert.rejects(result, { code: 'timeout' })
    })
  }

  test('does not take a request, its own or another', async () => {
    const { clock, pinger, sent, ping } = setUp()
    const result = ping('ICMP')
    assert.ok(sent[0])
    assert.equal(pinger.takeReply(sent[0]), false)
    clock.advance(1000)
    await assert.rejects(result, { code: 'timeout' })
  })

  test('tells apart pings that wait together', async () => {
    const { clock, pinger, sent, ping } = setUp()
    const first = ping('ICMP')
    clock.advance(5)
    const second = ping('ICMP')
    clock.advance(5)
    assert.ok(pinger.takeReply(answer(sent[1], THERE, 'ICMP')))
    clock.advance(5)
    assert.ok(pinger.takeReply(answer(sent[0], THERE, 'ICMP')))
    assert.deepEqual(await Promise.all([first, second]), [15, 5])
  })

  test('refuses a ping when 1024 wait', async () => {
    const { clock, pinger } = setUp()
    let id = 0
    const wide = createPinger({
      clock,
      random: (length) => new Uint8Array(new Float64Array([++id]).buffer).slice(0, length),
      send: () => {},
    })
    const one = (): Promise<number> =>
      wide.ping({ kind: 'TSMP', source: HERE, destination: THERE, timeoutMs: 1000 })
    const waiting = Array.from({ length: 1024 }, one)
    await assert.rejects(one(), { code: 'bad-argument' })
    wide.close()
    for (const ping of waiting) await assert.rejects(ping, { code: 'closed' })
    pinger.close()
  })
})
