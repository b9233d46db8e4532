// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concatBytes, encodeUtf8 } from '@signet/codec'
import * as fc from 'fast-check'
import { encodeMapFrame, MapFrameReader, MAX_MAP_FRAME } from '../src/index.ts'

const length = (n: number): Uint8Array => {
  const out = new Uint8Array(4)
  new DataView(out.buffer).setUint32(0, n, true)
  return out
}

describe('MapFrameReader', () => {
  test('reads the length little-endian', () => {
    assert.deepEqual(encodeMapFrame(encodeUtf8('{}')), Uint8Array.of(2, 0, 0, 0, 0x7b, 0x7d))
    assert.deepEqual(new MapFrameReader().push(Uint8Array.of(2, 0, 0, 0, 0x7b, 0x7d)), [
      encodeUtf8('{}'),
    ])
  })

  test('gives the same frames however the stream is cut', () => {
    const payload = fc.uint8Array({ maxLength: 50 })
    const cuts = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 8 }), cuts, (payloads, sizes) => {
        const stream = concatBytes(...payloads.map(encodeMapFrame))
        const reader = new MapFrameReader()
        const out: Uint8Array[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length] ?? 1
          out.push(...reader.push(stream.slice(at, at + size)))
          at += size
        }
        reader.end()
        assert.deepEqual(out, payloads)
      }),
    )
  })

  test('a frame does not share memory with the chunk it came in', () => {
    const chunk = encodeMapFrame(encodeUtf8('abc'))
    const [frame] = new MapFrameReader().push(chunk)
    chunk.fill(0)
    assert.deepEqual(frame, encodeUtf8('abc'))
  })

  test('refuses a frame beyond the limit before its bytes come, and stays refused', () => {
    const reader = new MapFrameReader()
    assert.deepEqual(reader.push(length(MAX_MAP_FRAME)), [])
    const refusing = new MapFrameReader()
    assert.throws(() => refusing.push(length(MAX_MAP_FRAME + 1)), { code: 'too-large' })
    assert.throws(() => refusing.push(new Uint8Array()), { code: 'frame' })
    const small = new MapFrameReader({ limit: 3 })
    assert.deepEqual(small.push(encodeMapFrame(encodeUtf8('abc'))), [encodeUtf8('abc')])
    assert.throws(() => small.push(encodeMapFrame(encodeUtf8('abcd'))), { code: 'too-large' })
  })

  test('an end inside a frame is an error', () => {
    for (const cut of [1, 4, 5]) {
      const reader = new MapFrameReader()
      reader.push(encodeMapFrame(encodeUtf8('abc')).slice(0, cut))
      assert.throws(() => reader.end(), { code: 'frame' })
    }
    new MapFrameReader().end()
  })

  test('decompresses each frame with the limit, and turns failures into its own error', () => {
    const limits: number[] = []
    const reader = new MapFrameReader({
      limit: 100,
      decompress: (payload, limit) => {
        limits.push(limit)
        if (payload[0] === 0) throw new RangeError('corrupt')
        return new Uint8Array(payload[0] ?? 0)
      },
    })
    assert.equal(reader.push(encodeMapFrame(Uint8Array.of(100)))[0]?.length, 100)
    assert.throws(() => reader.push(encodeMapFrame(Uint8Array.of(101))), { code: 'too-large' })
    assert.deepEqual(limits, [100, 100])
    const corrupt = new MapFrameReader({ decompress: () => assert.fail('corrupt') })
    assert.throws(() => corrupt.push(encodeMapFrame(Uint8Array.of(0))), {
      name: 'ProtocolError',
      code: 'frame',
    })
  })

  test('costs no more than the bytes when they come one by one', () => {
    const reader = new MapFrameReader()
    const stream = encodeMapFrame(new Uint8Array(200_000))
    let frames = 0
    const started = performance.now()
    for (const byte of stream) frames += reader.push(Uint8Array.of(byte)).length
    assert.equal(frames, 1)
    assert.ok(performance.now() - started < 2000, 'quadratic')
  })
})

test('encodeMapFrame() refuses a payload beyond the limit', () => {
  const huge = { length: MAX_MAP_FRAME + 1 } as Uint8Array
  assert.throws(() => encodeMapFrame(huge), { code: 'too-large' })
})
