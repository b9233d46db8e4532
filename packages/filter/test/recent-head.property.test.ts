// SPDX-License-Identifier: Apache-2.0

/**
 * Remembering the last packet changes no verdict: a filter that has seen packets decides like one that has seen
 * none.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePrefix, type FilterRule } from '@signet/protocol'
import * as fc from 'fast-check'
import { createPacketFilter, readRules } from '../src/index.ts'
import { RecentHead } from '../src/recent-head.ts'
import { packet, tcp, udp } from './packets.ts'

const local = ['100.64.0.1/32', 'fd7a:115c:a1e0::1/128'].map(parsePrefix)
const rules: readonly FilterRule[] = [
  { SrcIPs: ['100.64.0.2'], DstPorts: [{ IP: '*', Ports: { First: 53, Last: 80 } }] },
  { SrcIPs: ['fd7a::/16'], DstPorts: [{ IP: '*', Ports: { First: 53, Last: 80 } }], IPProto: [17] },
]
const { matches } = readRules(rules)
const fresh = () => createPacketFilter({ matches, local })

const bases = [
  ['100.64.0.2', '100.64.0.1'],
  ['fd7a:115c:a1e0::2', 'fd7a:115c:a1e0::1'],
].flatMap(([from = '', to = '']) => [
  packet({ from, to, protocol: 17, payload: udp(1_000, 53) }),
  packet({ from, to, protocol: 6, payload: tcp(1_000, 53, 0x02) }),
  packet({ from, to, protocol: 6, payload: tcp(1_000, 53, 0x10) }),
])

/** A good packet with up to two bytes changed, cut or made longer. */
const spoiled = fc
  .record({
    base: fc.constantFrom(...bases),
    changes: fc.array(fc.record({ at: fc.nat(63), to: fc.nat(255) }), { maxLength: 2 }),
    cut: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: -12, max: 12 })),
  })
  .map(({ base, changes, cut }) => {
    const bytes = new Uint8Array(Math.max(0, base.length + cut))
    bytes.set(base.subarray(0, bytes.length))
    for (const { at, to } of changes) if (at < bytes.length) bytes[at] = to
    return bytes
  })

test('admits() says the same whatever it said before', () => {
  fc.assert(
    fc.property(fc.array(spoiled, { minLength: 2, maxLength: 8 }), (packets) => {
      const filter = fresh()
      for (const each of packets) {
        assert.equal(filter.admits(each), fresh().admits(each), Buffer.from(each).toString('hex'))
      }
    }),
    { numRuns: 3_000 },
  )
})

test('a packet is the same as itself, and no other than in what a filter passes over', () => {
  for (const base of bases) {
    const recent = new RecentHead()
    assert.equal(recent.isSame(base), false)
    recent.remember(base)
    assert.equal(recent.isSame(base), true)
    assert.equal(recent.isSame(Uint8Array.of(...base, 0)), true, 'longer')
    assert.equal(recent.isSame(base.subarray(0, -1)), false, 'cut off')
    for (const other of bases) if (other !== base) assert.equal(recent.isSame(other), false)
    recent.remember(base.subarray(0, 27))
    assert.equal(recent.isSame(base), false, 'forgotten')
  }
})
