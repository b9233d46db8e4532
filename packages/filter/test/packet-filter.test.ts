// SPDX-License-Identifier: Apache-2.0

/**
 * The filter by itself: limits, flows that go on, and packets that nobody meant. What official clients
 * decide, packet by packet, is in vectors/wire/packet-filter.json.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parsePrefix, type FilterRule } from '@signet/protocol'
import * as fc from 'fast-check'
import {
  createPacketFilter,
  Flows,
  MAX_FLOWS,
  MAX_GRANTED_CAPS,
  MAX_PROBLEMS,
  MAX_RANGE_PREFIXES,
  readPacketHead,
  readRules,
} from '../src/index.ts'
import { packet, tcp, udp } from './packets.ts'

const LOCAL = ['100.64.0.1/32', 'fd7a:115c:a1e0::1/128'].map(parsePrefix)
const UDP = 17
const TCP = 6
const SYN = 0x02

function filterOf(rules: readonly FilterRule[], flows = new Flows()) {
  return createPacketFilter({ matches: readRules(rules).matches, local: LOCAL, flows })
}
const rule = (source: string, to: string, first = 0, last = 65_535): FilterRule => ({
  SrcIPs: [source],
  DstPorts: [{ IP: to, Ports: { First: first, Last: last } }],
})
const incoming = (toPort: number, from = '100.64.0.2', fromPort = 1): Uint8Array =>
  packet({ from, to: '100.64.0.1', protocol: UDP, payload: udp(fromPort, toPort) })
const outgoing = (fromPort: number): Uint8Array =>
  packet({ from: '100.64.0.1', to: '100.64.0.2', protocol: UDP, payload: udp(fromPort, 53) })

describe('createPacketFilter()', () => {
  test('opens the ports of a rule, both ends included, and none beside', () => {
    const filter = filterOf([rule('100.64.0.2', '100.64.0.1', 1_000, 2_000)])
    const open = [999, 1_000, 2_000, 2_001].map((port) => filter.admits(incoming(port)))
    assert.deepEqual(open, [false, true, true, false])
  })

  test('opens them to the sources of the rule only', () => {
    for (const source of ['100.64.0.2', '100.64.0.2/31', '100.64.0.1-100.64.0.2']) {
      const filter = filterOf([rule(source, '*')])
      assert.ok(filter.admits(incoming(80)), source)
      assert.ok(!filter.admits(incoming(80, '100.64.0.4')), source)
    }
  })

  test('does not begin a connection without a rule, and continues one', () => {
    const filter = filterOf([])
    const segment = (flags: number): Uint8Array =>
      packet({ from: '100.64.0.2', to: '100.64.0.1', protocol: TCP, payload: tcp(1, 22, flags) })
    assert.ok(!filter.admits(segment(SYN)))
    assert.ok(filter.admits(segment(SYN | 0x10)))
    assert.ok(filter.admits(segment(0x10)))
  })

  test('lets nothing in for others, whatever the rules say', () => {
    const filter = filterOf([rule('*', '*')])
    const stray = packet({
      from: '100.64.0.2',
      to: '100.64.0.9',
      protocol: UDP,
      payload: udp(1, 2),
    })
    assert.ok(!filter.admits(stray))
  })

  test('keeps flows when rules change, and forgets the one used longest ago', () => {
    const flows = new Flows()
    const before = filterOf([], flows)
    for (let port = 1; port <= MAX_FLOWS; port++) assert.ok(before.sends(outgoing(port)))
    const after = filterOf([], flows)
    // Using the first keeps it, so that the second is the next to go.
    assert.ok(after.admits(incoming(1, '100.64.0.2', 53)))
    assert.ok(after.sends(outgoing(MAX_FLOWS + 1)))
    assert.ok(after.admits(incoming(1, '100.64.0.2', 53)))
    assert.ok(!after.admits(incoming(2, '100.64.0.2', 53)))
    assert.ok(after.admits(incoming(3, '100.64.0.2', 53)))
    assert.ok(!after.admits(incoming(1, '100.64.0.2', 54)), 'another port of the same peer')
    assert.ok(!after.admits(incoming(1, '100.64.0.3', 53)), 'another peer')
  })

  test('decides about any bytes, and lets none in that claim no address of ours', () => {
    const open = filterOf([rule('*', '*')])
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const head = readPacketHead(bytes)
        const admitted = open.admits(bytes)
        if (bytes.length === 0 || head.protocol === 255) return
        if (admitted) assert.ok(head.destination !== null)
      }),
      { numRuns: 500 },
    )
  })
})

describe('readRules()', () => {
  test('leaves out what it cannot read and says what', () => {
    const { matches, problems } = readRules([rule('nonsense', '*'), rule('100.64.0.2', '*')])
    assert.deepEqual(problems, ['no source: "nonsense"'])
    assert.equal(matches.length, 2)
    assert.deepEqual(matches[0]?.sources, [])
  })

  test('covers a range exactly', () => {
    const address = fc.integer({ min: 0, max: 1_023 })
    const text = (n: number): string => `10.0.${n >> 8}.${n & 255}`
    fc.assert(
      fc.property(address, address, (a, b) => {
        const [first, last] = [Math.min(a, b), Math.max(a, b)]
        const { matches } = readRules([rule(`${text(first)}-${text(last)}`, '*')])
        const covered = matches[0]?.sources.reduce((sum, { bits }) => sum + 2 ** (32 - bits), 0)
        assert.equal(covered, last - first + 1)
        for (const [n, inside] of [
          [first - 1, false],
          [first, true],
          [last, true],
          [last + 1, false],
        ] as const) {
          if (n < 0) continue
          const bytes = Uint8Array.of(10, 0, n >> 8, n & 255)
          assert.equal(matches[0]?.isSource.has(bytes), inside, text(n))
        }
      }),
      { numRuns: 200 },
    )
  })

  test('reads ranges and grants up to a bound, and opens nothing past it', () => {
    // 254 prefixes, the most that a range can need.
    const widest = '::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe'
    const enough = Math.ceil(MAX_RANGE_PREFIXES / 254)
    const ranges = readRules(
      [...Array(enough + 1).fill(widest), '100.64.0.2'].map((s) => rule(s, '*')),
    )
    assert.equal(ranges.matches[enough - 1]?.sources.length, 254)
    assert.deepEqual(ranges.matches[enough]?.sources, [])
    assert.equal(ranges.matches[enough + 1]?.sources.length, 1, 'what is no range is read')
    assert.deepEqual(ranges.problems, [`no source: "${widest}"`])

    const grants = (names: number) =>
      readRules([
        {
          SrcIPs: ['*'],
          CapGrant: [
            {
              Dsts: Array(128).fill('100.64.0.1/32'),
              Caps: Array.from({ length: names }, (_, n) => `cap-${n}`),
            },
          ],
        },
      ])
    assert.equal(grants(128).matches[0]?.caps.length, MAX_GRANTED_CAPS)
    assert.deepEqual(grants(128).problems, [])
    assert.equal(grants(129).matches[0]?.caps.length, MAX_GRANTED_CAPS)
    assert.equal(grants(129).problems.length, 1)
    const many = Array(MAX_PROBLEMS + 1).fill('nonsense')
    assert.equal(readRules([{ SrcIPs: many, DstPorts: [] }]).problems.length, MAX_PROBLEMS)
  })

  test('makes no more than two blocks for each bit of an address', () => {
    const { matches } = readRules([rule('::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe', '*')])
    assert.equal(matches[0]?.sources.length, 254)
  })
})
