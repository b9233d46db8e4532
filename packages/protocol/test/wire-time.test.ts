// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { isNoTime, NO_TIME, parseWireTime, wireTime, wireTimeMs } from '../src/index.ts'

describe('parseWireTime()', () => {
  const accepted: [string, string][] = [
    ['2026-08-27T10:00:00Z', '2026-08-27T10:00:00Z'],
    ['2026-08-27T10:00:00.000Z', '2026-08-27T10:00:00Z'],
    ['2026-08-27T1:02:03Z', '2026-08-27T01:02:03Z'],
    ['2026-08-27T10:00:00,25Z', '2026-08-27T10:00:00.25Z'],
    ['2026-08-27T10:00:00.123456789999Z', '2026-08-27T10:00:00.123456789Z'],
    ['2026-08-27T10:00:00+00:00', '2026-08-27T10:00:00Z'],
    ['2026-08-27T10:00:00-00:00', '2026-08-27T10:00:00Z'],
    ['2026-08-27T10:00:00+05:30', '2026-08-27T10:00:00+05:30'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00Z'],
  ]
  for (const [given, canonical] of accepted) {
    test(`reads ${given}`, () => assert.equal(parseWireTime(given), canonical))
  }

  const refused = [
    '',
    '2026-08-27',
    '2026-08-27T10:00Z',
    '2026-08-27 10:00:00Z',
    '2026-08-27t10:00:00z',
    '2026-08-27T10:00:00',
    '2026-08-27T10:00:00.Z',
    '2026-08-27T24:00:00Z',
    '2026-08-27T10:60:00Z',
    '2026-12-31T23:59:60Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-08-27T10:00:00+25:00',
    '2026-08-27T10:00:00+01:61',
    '2026-08-27T10:00:00+0100',
    '12026-08-27T10:00:00Z',
    ' 2026-08-27T10:00:00Z',
    '2026-08-27T10:00:00Z ',
  ]
  for (const given of refused) {
    test(`refuses ${JSON.stringify(given)}`, () => {
      assert.throws(() => parseWireTime(given), { name: 'ProtocolError', code: 'value' })
    })
  }

  test('never throws anything else', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('0129-T:.,Z+ t')) }), (text) => {
        try {
          assert.equal(parseWireTime(parseWireTime(text)), parseWireTime(text))
        } catch (error) {
          assert.equal((error as Error).name, 'ProtocolError')
        }
      }),
    )
  })
})

describe('wireTime() and wireTimeMs()', () => {
  test('give back every millisecond', () => {
    const years = {
      min: new Date('0000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
    }
    fc.assert(
      fc.property(fc.date({ ...years, noInvalidDate: true }), (date) => {
        const text = wireTime(date.getTime())
        assert.equal(parseWireTime(text), text)
        assert.equal(wireTimeMs(text), text === NO_TIME ? undefined : date.getTime())
      }),
    )
  })

  test('count the zone', () => {
    assert.equal(wireTimeMs('2026-08-27T10:00:00.5+02:00'), Date.parse('2026-08-27T08:00:00.500Z'))
    assert.equal(wireTimeMs('2026-08-27T10:00:00-07:30'), Date.parse('2026-08-27T17:30:00Z'))
  })

  test('know no time in any zone', () => {
    assert.equal(wireTime(undefined), NO_TIME)
    assert.equal(wireTimeMs(NO_TIME), undefined)
    assert.ok(isNoTime('0001-01-01T01:00:00+01:00'))
    assert.ok(!isNoTime('0001-01-01T01:00:00Z'))
    assert.ok(!isNoTime('0001-01-01T00:00:00.5Z'))
  })

  test('refuse years that have no text', () => {
    assert.throws(() => wireTime(8.64e15), { code: 'encode' })
    assert.throws(() => wireTime(Number.NaN), { code: 'encode' })
  })
})
