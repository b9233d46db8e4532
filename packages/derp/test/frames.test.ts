// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes } from '@signet/codec'
import * as fc from 'fast-check'
import { DerpError, encodeFrame, FrameReader } from '../src/index.ts'

const frame = fc.record({
  type: fc.integer({ min: 0, max: 255 }),
  payload: fc.uint8Array({ maxLength: 300 }),
})

function read(reader: FrameReader, pieces: readonly Uint8Array[]): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (const piece of pieces) {
    reader.push(piece, (buffer, start, end) => frames.push(buffer.slice(start, end)))
  }
  return frames
}

function cut(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  let at = 0
  for (const length of lengths) {
    pieces.push(bytes.slice(at, at + length))
    at += length
  }
  return [...pieces, bytes.slice(at)]
}

test('FrameReader delivers the same frames however the stream is cut', () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 })
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), lengths, (frames, sizes) => {
      const encoded = frames.map(({ type, payload }) => encodeFrame(type, payload))
      const reader = new FrameReader((type) => type % 3 !== 0)
      const got = read(reader, cut(concatBytes(...encoded), sizes))
      reader.end()
      assert.deepEqual(
        got,
        encoded.filter((each) => (each[0] ?? 0) % 3 !== 0),
      )
    }),
  )
})

test('FrameReader says when a stream ends inside a frame', () => {
  const stream = concatBytes(encodeFrame(1, Uint8Array.of(1, 2, 3)), encodeFrame(2))
  const whole = new Set([0, 8, 13])
  for (const kept of [true, false]) {
    for (let length = 0; length <= stream.length; length++) {
      const reader = new FrameReader(() => kept)
      read(reader, [stream.slice(0, length)])
      if (whole.has(length)) reader.end()
      else assert.throws(() => reader.end(), { code: 'truncated' })
    }
  }
})

test('FrameReader delivers what came before an error, and then only the error', () => {
  const refused = new DerpError('too-large', 'Cannot')
  const reader = new FrameReader((type) => {
    if (type === 9) throw refused
    return true
  })
  const got: number[] = []
  const push = (bytes: Uint8Array): void =>
    reader.push(bytes, (buffer, start) => got.push(buffer[start] ?? 0))
  assert.throws(() => push(concatBytes(encodeFrame(1), encodeFrame(9))), refused)
  assert.throws(() => push(encodeFrame(1)), refused)
  assert.throws(() => reader.end(), refused)
  assert.deepEqual(got, [1])
})

test('FrameReader skips any length without keeping it', () => {
  const reader = new FrameReader((type) => type === 1)
  // A header that promises 4 GiB.
  const huge = Uint8Array.of(7, 0xff, 0xff, 0xff, 0xff)
  assert.deepEqual(read(reader, [huge, new Uint8Array(100_000), encodeFrame(1)]), [])
  assert.throws(() => reader.end(), { code: 'truncated' })
})

test('FrameReader delivers a frame that arrives whole where it lies', () => {
  const chunk = concatBytes(encodeFrame(1, Uint8Array.of(1)), encodeFrame(2, Uint8Array.of(2)))
  const starts: number[] = []
  new FrameReader(() => true).push(chunk, (buffer, start) => {
    assert.equal(buffer, chunk)
    starts.push(start)
  })
  assert.deepEqual(starts, [0, 6])
})
