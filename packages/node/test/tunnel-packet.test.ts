// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fromHex, toHex } from '@signet/codec'
import { parseIp } from '@signet/wireguard'
import * as fc from 'fast-check'
import { encodeIcmpEcho, parseIcmpEcho } from '../src/tunnel/icmp.ts'
import {
  encodeIpPacket,
  internetChecksum,
  ipv6PseudoHeader,
  parseIpPacket,
  protocolOf,
} from '../src/tunnel/packet.ts'
import { encodeTsmpPing, encodeTsmpPong, parseTsmp } from '../src/tunnel/tsmp.ts'

const ip = (text: string): Uint8Array => parseIp(text) ?? assert.fail(text)
const PAIRS: readonly (readonly [Uint8Array, Uint8Array])[] = [
  [ip('100.64.0.1'), ip('100.64.0.2')],
  [ip('fd7a:115c:a1e0::1'), ip('fd7a:115c:a1e0::2')],
]

describe('internetChecksum()', () => {
  test('is that of the example in RFC 1071, section 3', () => {
    assert.equal(internetChecksum(fromHex('0001f203f4f5f6f7')), ~0xddf2 & 0xffff)
  })

  test('is that of a known IPv4 header', () => {
    assert.equal(internetChecksum(fromHex('450000730000400040110000c0a80001c0a800c7')), 0xb861)
  })

  test('counts an odd last byte as the high half of a word', () => {
    assert.equal(internetChecksum(Uint8Array.of(0x12)), ~0x1200 & 0xffff)
  })

  test('does not overflow on the largest packet', () => {
    assert.equal(internetChecksum(new Uint8Array(65_535).fill(0xff)), ~0xff00 & 0xffff)
  })
})

describe('packets', () => {
  test('are read back as they were written', () => {
    const payloads = fc.uint8Array({ maxLength: 100 })
    fc.assert(
      fc.property(fc.constantFrom(...PAIRS), payloads, fc.nat(255), (pair, payload, protocol) => {
        const [source, destination] = pair
        const bytes = encodeIpPacket({ source, destination, payload, protocol })
        assert.equal(protocolOf(bytes), protocol)
        const version = source.length === 4 ? 4 : 6
        const expected = { version, protocol, source, destination, payload }
        assert.deepEqual(parseIpPacket(bytes), expected)
        const padded = new Uint8Array(bytes.length + 16)
        padded.set(bytes)
        assert.deepEqual(parseIpPacket(padded), expected)
      }),
    )
  })

  const [source, destination] = PAIRS[0]!
  const good = encodeIpPacket({ protocol: 17, source, destination, payload: new Uint8Array(8) })
  const rows: readonly [what: string, change: (packet: Uint8Array) => Uint8Array][] = [
    ['nothing', () => new Uint8Array(0)],
    ['version 5', (p) => withByte(p, 0, 0x55)],
    ['a header of 16 bytes', (p) => withByte(p, 0, 0x44)],
    ['a header longer than the packet', (p) => withByte(p, 0, 0x4f)],
    ['a header that is cut', (p) => p.subarray(0, 19)],
    ['a length above what is there', (p) => withByte(p, 3, 29)],
    ['a length below the header', (p) => withByte(p, 3, 19)],
    ['a wrong header checksum', (p) => withByte(p, 8, 63)],
    ['more fragments to come', (p) => rechecked(withByte(p, 6, 0x20))],
    ['a fragment offset', (p) => rechecked(withByte(p, 7, 1))],
  ]
  for (const [what, change] of rows) {
    test(`of IPv4 with ${what} are refused`, () => {
      assert.equal(parseIpPacket(change(good.slice())), null)
    })
  }

  test('of IPv6 that are cut are refused', () => {
    const [from, to] = PAIRS[1]!
    const v6 = encodeIpPacket({
      protocol: 17,
      source: from,
      destination: to,
      payload: new Uint8Array(8),
    })
    assert.ok(parseIpPacket(v6))
    for (const length of [0, 1, 39, 47]) assert.equal(parseIpPacket(v6.subarray(0, length)), null)
  })

  test('of any bytes do not throw', () => {
    const bytes = fc.uint8Array({ maxLength: 80 }).map((packet) => {
      if (packet.length > 0) packet[0] = (packet[0]! & 0x8f) | 0x45
      return packet
    })
    fc.assert(
      fc.property(fc.oneof(bytes, fc.uint8Array({ maxLength: 80 })), (packet) => {
        protocolOf(packet)
        const parsed = parseIpPacket(packet)
        if (parsed === null) return
        parseIcmpEcho(parsed)
        parseTsmp(parsed)
      }),
    )
  })
})

describe('ICMP echo', () => {
  test('is read back in both families, and refused when damaged', () => {
    for (const [source, destination] of PAIRS) {
      for (const kind of ['request', 'reply'] as const) {
        const echo = { kind, id: 0xbeef, sequence: 7, data: Uint8Array.of(1, 2, 3) }
        const bytes = encodeIcmpEcho(source, destination, echo)
        const packet = parseIpPacket(bytes)
        assert.ok(packet)
        assert.deepEqual(parseIcmpEcho(packet), echo)
        for (let i = 0; i < packet.payload.length; i++) {
          const payload = withByte(packet.payload.slice(), i, packet.payload[i]! ^ 0x10)
          assert.equal(parseIcmpEcho({ ...packet, payload }), null, `byte ${i}`)
        }
        for (let i = 0; i < 8; i++) {
          assert.equal(parseIcmpEcho({ ...packet, payload: packet.payload.subarray(0, i) }), null)
        }
      }
    }
  })

  test('of the other family is refused', () => {
    const [source, destination] = PAIRS[0]!
    const echo = { kind: 'request', id: 1, sequence: 1, data: new Uint8Array(0) } as const
    const packet = parseIpPacket(encodeIcmpEcho(source, destination, echo))
    assert.ok(packet)
    assert.equal(parseIcmpEcho({ ...packet, protocol: 58 }), null)
  })

  test('carries the checksum that a kernel makes', () => {
    // Echo request 1 of `ping -c1 -s0` over IPv6: checksum over the pseudo header of RFC 8200.
    const [source, destination] = PAIRS[1]!
    const bytes = encodeIcmpEcho(source, destination, {
      kind: 'request',
      id: 0,
      sequence: 0,
      data: new Uint8Array(0),
    })
    const pseudo = ipv6PseudoHeader(source, destination, 58, 8)
    const expected = internetChecksum(pseudo, fromHex('8000000000000000'))
    assert.equal(toHex(bytes.subarray(42, 44)), expected.toString(16).padStart(4, '0'))
  })
})

describe('TSMP', () => {
  const token = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
  const parse = (payload: Uint8Array): unknown => {
    const [source, destination] = PAIRS[0]!
    const packet = parseIpPacket(encodeIpPacket({ protocol: 99, source, destination, payload }))
    return packet && parseTsmp(packet)
  }

  test('ping and pong have the official layout', () => {
    const [source, destination] = PAIRS[0]!
    const ping = encodeTsmpPing(source, destination, token)
    assert.equal(toHex(ping.subarray(20)), '700102030405060708')
    const pong = encodeTsmpPong(source, destination, token, 0x1f90)
    assert.equal(toHex(pong.subarray(20)), '6f01020304050607081f90')
    assert.equal(protocolOf(ping), 99)
  })

  test('is read by kind', () => {
    assert.deepEqual(parse(fromHex('700102030405060708')), { kind: 'ping', token })
    assert.deepEqual(parse(fromHex('7001020304050607080909')), { kind: 'ping', token })
    assert.deepEqual(parse(fromHex('6f0102030405060708')), { kind: 'pong', token, peerApiPort: 0 })
    assert.deepEqual(parse(fromHex('6f01020304050607081f90')), {
      kind: 'pong',
      token,
      peerApiPort: 8080,
    })
    assert.deepEqual(parse(fromHex('21')), { kind: 'reject' })
    assert.deepEqual(parse(fromHex(`61${'ab'.repeat(32)}`)), {
      kind: 'disco-key',
      key: new Uint8Array(32).fill(0xab),
    })
  })

  test('that is too short or of an unknown kind is nothing', () => {
    for (const hex of ['', '70', '7001020304050607', '6f01020304050607', '61ab', '62', '00']) {
      assert.equal(parse(fromHex(hex)), null, hex)
    }
  })
})

function withByte(packet: Uint8Array, at: number, value: number): Uint8Array {
  packet[at] = value
  return packet
}

function rechecked(packet: Uint8Array): Uint8Array {
  packet.set([0, 0], 10)
  const sum = internetChecksum(packet.subarray(0, 20))
  packet.set([sum >> 8, sum & 0xff], 10)
  return packet
}
