// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concatBytes } from '@signet/codec'
import * as fc from 'fast-check'
import {
  MAX_RECORD,
  MAX_RECORD_PLAINTEXT,
  NoiseError,
  RecordReader,
  RecordWriter,
} from '../src/index.ts'

const key = Uint8Array.from({ length: 32 }, (_, i) => i)
const LAST = 2n ** 64n - 1n

/** Reads a stream in pieces; returns what was delivered and how it ended. */
function readAll(stream: Uint8Array, pieces: readonly number[], start = 0n): [Uint8Array, string] {
  const reader = new RecordReader(key, start)
  const parts: Uint8Array[] = []
  try {
    for (let at = 0, i = 0; at < stream.length; i++) {
      const size = pieces[i % pieces.length] ?? 1
      reader.push(stream.slice(at, at + size), (part) => parts.push(part))
      at += size
    }
    reader.end()
    return [concatBytes(...parts), 'end']
  } catch (error) {
    assert.ok(error instanceof NoiseError, String(error))
    // The first error is final.
    assert.throws(() => reader.push(new Uint8Array(), () => {}), { code: error.code })
    assert.throws(() => reader.end(), { code: error.code })
    return [concatBytes(...parts), error.code]
  }
}

describe('RecordWriter', () => {
  test('makes as few records as the limit allows', () => {
    const rows: [number, number][] = [
      [0, 1],
      [1, 1],
      [MAX_RECORD_PLAINTEXT, 1],
      [MAX_RECORD_PLAINTEXT + 1, 2],
      [3 * MAX_RECORD_PLAINTEXT, 3],
    ]
    for (const [length, records] of rows) {
      const sealed = new RecordWriter(key).seal(new Uint8Array(length))
      assert.equal(sealed.length, length + records * 19)
      assert.equal(sealed[0], 4)
      if (length > MAX_RECORD_PLAINTEXT)
        assert.equal(((sealed[1] ?? 0) << 8) + (sealed[2] ?? 0) + 3, MAX_RECORD)
    }
  })

  test('stops before the last counter', () => {
    const writer = new RecordWriter(key, LAST - 1n)
    writer.seal(Uint8Array.of(1))
    assert.throws(() => writer.seal(Uint8Array.of(1)), { name: 'NoiseError', code: 'exhausted' })
  })

  test('counts over 32 bits', () => {
    const start = 2n ** 32n - 1n
    const writer = new RecordWriter(key, start)
    const stream = concatBytes(writer.seal(Uint8Array.of(1)), writer.seal(Uint8Array.of(2)))
    assert.deepEqual(readAll(stream, [7], start), [Uint8Array.of(1, 2), 'end'])
  })
})

describe('RecordReader', () => {
  test('gives back what was written, however the stream is cut', () => {
    const writes = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.uint8Array({ minLength: 4000, maxLength: 9000 }),
      ),
      { maxLength: 5 },
    )
    const cuts = fc.array(
      fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1000, max: 9000 })),
      { minLength: 1, maxLength: 6 },
    )
    fc.assert(
      fc.property(writes, cuts, (plaintexts, pieces) => {
        const writer = new RecordWriter(key)
        const stream = concatBytes(...plaintexts.map((plaintext) => writer.seal(plaintext)))
        assert.deepEqual(readAll(stream, pieces), [concatBytes(...plaintexts), 'end'])
      }),
      { numRuns: 60 },
    )
  })

  test('never delivers anything from a changed byte on', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat(200), (at, flip, cut) => {
        const writer = new RecordWriter(key)
        const plaintexts = [1, 2, 3].map((byte) => new Uint8Array(20).fill(byte))
        const stream = concatBytes(...plaintexts.map((plaintext) => writer.seal(plaintext)))
        const place = at % stream.length
        stream[place] = (stream[place] ?? 0) ^ flip
        const [delivered, end] = readAll(stream, [cut + 1])
        assert.equal(delivered.length, Math.floor(place / 39) * 20)
        assert.notEqual(end, 'end')
      }),
    )
  })

  test('refuses a record beyond the limit by its header alone', () => {
    assert.equal(readAll(Uint8Array.of(4, 0x0f, 0xfe), [3])[1], 'too-large')
    assert.equal(readAll(Uint8Array.of(4, 0x0f, 0xfd), [3])[1], 'truncated')
  })

  test('refuses other types by the header, whatever their length', () => {
    for (const type of [0, 1, 2, 3, 5, 255]) {
      assert.equal(readAll(Uint8Array.of(type, 0xff, 0xff), [1])[1], 'wrong-type')
    }
  })

  test('survives any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => void readAll(bytes, [97])))
  })
})
