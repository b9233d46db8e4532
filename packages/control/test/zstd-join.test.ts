// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { compressPart, joinParts } from '../src/map/zstd-join.ts'

const BLANK = ' '.repeat(17)

function roundTrip(texts: readonly string[]): string {
  const parts = texts.map((text) => compressPart(text))
  const frame = Buffer.concat(joinParts(parts, 4))
  return zstdDecompressSync(frame.subarray(4)).toString()
}

describe('joinParts()', () => {
  it('makes one frame that holds all parts, with blanks before each', () => {
    assert.equal(roundTrip(['{"a":', '[1,2,3]', '}']), `${BLANK}{"a":${BLANK}[1,2,3]${BLANK}}`)
    assert.equal(roundTrip([]), '')
    assert.equal(roundTrip(['']), BLANK)
  })

  it('restores the offsets that a part begins with', () => {
    // Starts that a compressor takes from the offsets 1, 4 and 8, behind parts that leave others.
    const starts = [1, 4, 8].map((n) => 'abcdefgh'.slice(0, n).repeat(40))
    const others = Array.from({ length: 30 }, (_, i) => `word${i * 7919}`.repeat(3)).join('')
    const texts = starts.flatMap((start) => [others, start, start + others])
    assert.equal(roundTrip(texts), texts.map((text) => BLANK + text).join(''))
  })

  it('keeps what it was given, whatever it is', () => {
    const repetitive = fc
      .tuple(fc.string({ maxLength: 9 }), fc.nat(300), fc.string({ maxLength: 60 }))
      .map(([unit, count, rest]) => unit.repeat(count) + rest + unit)
    const record = fc
      .record({ id: fc.nat(), key: fc.uuid(), tags: fc.array(fc.constantFrom('a', 'bb', 'ccc')) })
      .map((value) => JSON.stringify(value))
    const text = fc.oneof(
      repetitive,
      record,
      fc.array(record).map((all) => all.join(',')),
    )
    fc.assert(
      fc.property(fc.array(text, { maxLength: 12 }), (texts) => {
        const expected = texts.map((part) => BLANK + part)
        assert.equal(roundTrip(texts), expected.join(''))
      }),
      { numRuns: 500 },
    )
  })

  it('takes parts longer than the window, and text that cannot be compressed', () => {
    const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString('hex')
    const long = `${noise}${'x'.repeat(100_000)}${noise}`
    assert.equal(
      roundTrip([long, 'tail', long]),
      [long, 'tail', long].map((t) => BLANK + t).join(''),
    )
  })
})
