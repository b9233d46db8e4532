// SPDX-License-Identifier: Apache-2.0

/**
 * Which relays are dialled, when, and for how long, with a dialer that connects to nothing.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { generateNodeKey, nodePublicOf } from '@signet/keys'
import type { DERPMap, DERPRegion } from '@signet/protocol'
import { createFakeClock } from '@signet/testkit'
import { silentLog } from '../src/log.ts'
import type { DialResult } from '../src/paths/relay-dial.ts'
import { CONNECT_MS, IDLE_MS, MAX_LINES, MEASURE_MS } from '../src/paths/relay-limits.ts'
import { createRelays } from '../src/paths/relays.ts'
import { mapOf } from './support/test-relay.ts'

const PEER = nodePublicOf(generateNodeKey())

const regions = (...ids: readonly number[]): DERPMap =>
  mapOf(ids.map((region) => ({ region, port: region })))

function createWorld() {
  const clock = createFakeClock()
  const open = new Map<number, DialResult>()
  const knocks = new Map<number, () => void>()
  const homes: number[] = []
  const dials: number[] = []
  const relays = createRelays({
    clock,
    random: () => 0.5,
    log: silentLog,
    onHome: () => homes.push(relays.home()),
    dialer: {
      dial({ port }, result) {
        open.set(port, result)
        dials.push(port)
        return { cancel: () => void open.delete(port) }
      },
      knock({ port }, answered) {
        knocks.set(port, answered)
        return { cancel: () => void knocks.delete(port) }
      },
    },
  })
  relays.setKey(generateNodeKey())
  const dialled = (): number[] => [...open.keys()].toSorted((a, b) => a - b)
  return { clock, relays, open, knocks, homes, dialled, dials }
}

describe('createRelays()', () => {
  test('dials nothing without a map, nor without a key', () => {
    const { relays, dialled, homes } = createWorld()
    relays.send(1, PEER, Uint8Array.of(1))
    relays.setKey(null)
    relays.setMap(regions(1))
    relays.send(1, PEER, Uint8Array.of(1))
    assert.deepEqual([dialled(), homes], [[], []])
    relays.setKey(generateNodeKey())
    assert.deepEqual([dialled(), homes], [[1], [1]])
  })

  test('lives where a connection was taken first, weighed as the map says', () => {
    const { relays, knocks, clock, homes } = createWorld()
    relays.setMap({ ...regions(1, 2, 3), HomeParams: { RegionScore: { 2: 10 } } })
    assert.equal(relays.home(), 0)
    clock.advance(10)
    knocks.get(2)?.()
    clock.advance(30)
    knocks.get(3)?.()
    clock.advance(30)
    knocks.get(1)?.()
    assert.deepEqual(homes, [3])
  })

  test('lives in the first region when none answers in time, and moves when that one is gone', () => {
    const { relays, clock, homes, dialled } = createWorld()
    relays.setMap(regions(2, 5))
    clock.advance(MEASURE_MS - 1)
    assert.equal(relays.home(), 0)
    clock.advance(1)
    assert.equal(relays.home(), 2)
    relays.setMap(regions(5))
    assert.deepEqual(homes, [2, 5])
    assert.deepEqual(dialled(), [5])
    relays.setMap(undefined)
    assert.deepEqual(homes, [2, 5, 0])
    assert.deepEqual(dialled(), [])
  })

  test('does not live in a region to avoid if there is another, and does if there is none', () => {
    const { relays } = createWorld()
    const avoid = (region: DERPRegion): DERPRegion => ({ ...region, Avoid: true })
    const { Regions } = regions(1, 2)
    const [one, two] = [Regions?.['1'], Regions?.['2']]
    assert.ok(one && two)
    relays.setMap({ Regions: { 1: avoid(one), 2: two } })
    assert.equal(relays.home(), 2)
    relays.setMap({ Regions: { 1: avoid(one) } })
    assert.equal(relays.home(), 1)
  })

  test('dials the regions of others when something goes there, and leaves when nothing does', () => {
    const { relays, dialled, dials, clock, knocks } = createWorld()
    relays.setMap(regions(1, 2))
    knocks.get(1)?.()
    clock.advance(MEASURE_MS)
    assert.deepEqual(dialled(), [1])
    relays.send(2, PEER, Uint8Array.of(1))
    assert.deepEqual(dialled(), [1, 2])
    // Nobody answers, so each is dialled again and again for as long as it is wanted.
    const again = (): number[] => {
      dials.length = 0
      clock.advance(IDLE_MS - CONNECT_MS)
      return [...new Set(dials)].toSorted((a, b) => a - b)
    }
    assert.deepEqual(again(), [1, 2])
    relays.send(2, PEER, Uint8Array.of(1))
    assert.deepEqual(again(), [1, 2])
    again()
    assert.deepEqual(again(), [1])
  })

  test('dials so many at once and no more', () => {
    const { relays, dialled, clock } = createWorld()
    const ids = Array.from({ length: MAX_LINES + 1 }, (_, i) => i + 1)
    relays.setMap(regions(...ids))
    clock.advance(MEASURE_MS)
    for (const id of ids) relays.send(id, PEER, Uint8Array.of(1))
    assert.deepEqual(dialled(), ids.slice(0, MAX_LINES))
  })

  test('keeps a connection while its region stays the same, and closes all with the key', () => {
    const { relays, dialled, open } = createWorld()
    relays.setMap(regions(1))
    const before = open.get(1)
    relays.setMap(regions(1))
    assert.equal(open.get(1), before)
    relays.setMap(mapOf([{ region: 1, port: 9 }]))
    assert.deepEqual(dialled(), [9])
    relays.setKey(null)
    assert.deepEqual(dialled(), [])
  })

  test('shows people no other name of a region than a plain one', () => {
    const { relays } = createWorld()
    const [region] = Object.values(regions(7).Regions ?? {})
    assert.ok(region)
    for (const RegionCode of ['\u001b[2J', '', 'a b', 'a'.repeat(33)]) {
      relays.setMap({ Regions: { 7: { ...region, RegionCode } } })
      assert.equal(relays.codeOf(7), 'region-7')
    }
    relays.setMap({ Regions: { 7: { ...region, RegionCode: 'a'.repeat(32) } } })
    assert.equal(relays.codeOf(7), 'a'.repeat(32))
  })
})
