// SPDX-License-Identifier: Apache-2.0

/** Our CBOR against another implementation, on canonical data, and against noise. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode, rfc8949EncodeOptions } from 'cborg'
import * as fc from 'fast-check'
import { checkWellFormed, CborReader, CborWriter, CodecError, toHex } from '../src/index.ts'

type Value = bigint | Uint8Array | string | null | Value[] | Map<bigint | string, Value>

const uint = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const uint32 = fc.bigInt({ min: 0n, max: 2n ** 32n })
const leaf = fc.oneof(
  uint,
  uint32,
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constant(null),
)
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 6 }),
    fc
      .array(fc.tuple(fc.oneof(uint32, fc.string({ maxLength: 4 })), tie('value')), {
        maxLength: 6,
      })
      .map((entries) => new Map(entries)),
  ),
}))

function encodedKey(key: bigint | string): Uint8Array {
  const writer = new CborWriter()
  return (typeof key === 'string' ? writer.text(key) : writer.uint(key)).finish()
}

function write(writer: CborWriter, value: Value): void {
  if (value === null) writer.null()
  else if (typeof value === 'bigint') writer.uint(value)
  else if (typeof value === 'string') writer.text(value)
  else if (value instanceof Uint8Array) writer.bytes(value)
  else if (Array.isArray(value)) {
    writer.array(value.length)
    for (const item of value) write(writer, item)
  } else {
    const entries = [...value].sort(([a], [b]) => Buffer.compare(encodedKey(a), encodedKey(b)))
    writer.map(entries.length)
    for (const [key, item] of entries) {
      write(writer, key)
      write(writer, item)
    }
  }
}

function written(value: Value): Uint8Array {
  const writer = new CborWriter()
  write(writer, value)
  return writer.finish()
}

/** The deepest container, the outermost counted as 1. */
function depthOf(value: Value): number {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return 0
  const items = Array.isArray(value) ? value : [...value.values()]
  return 1 + Math.max(0, ...items.map(depthOf))
}

test('CborWriter writes what cborg writes', () => {
  fc.assert(
    fc.property(value, (value) => {
      assert.equal(toHex(written(value)), toHex(encode(value, rfc8949EncodeOptions)))
    }),
    { numRuns: 300 },
  )
})

test('checkWellFormed() accepts what CborWriter wrote, and nothing shorter or longer', () => {
  fc.assert(
    fc.property(
      value.filter((value) => depthOf(value) <= 16),
      (value) => {
        const bytes = written(value)
        assert.equal(checkWellFormed(bytes), bytes.length)
        assert.throws(() => checkWellFormed(bytes.subarray(0, -1)), CodecError)
        assert.throws(() => checkWellFormed(new Uint8Array([...bytes, 0])), CodecError)
      },
    ),
    { numRuns: 200 },
  )
})

/** True if it returns, false if it refuses; anything but a refusal is a bug of ours. */
function accepts(bytes: Uint8Array): boolean {
  try {
    checkWellFormed(bytes)
    return true
  } catch (error) {
    assert.ok(error instanceof CodecError, String(error))
    return false
  }
}

function cborgAccepts(bytes: Uint8Array): boolean {
  try {
    decode(bytes, { useMaps: true, allowIndefinite: false, allowBigInt: true })
    return true
  } catch {
    return false
  }
}

const noise = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 24 }),
  fc.tuple(value, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
    const bytes = written(value)
    return bytes.with(at % bytes.length, byte)
  }),
)

test('checkWellFormed() refuses or accepts any bytes, and accepts what cborg accepts', () => {
  fc.assert(
    fc.property(noise, (bytes) => {
      const isAccepted = accepts(bytes)
      // Its other leniencies, tags and nothing else, are off by default.
      if (cborgAccepts(bytes)) assert.ok(isAccepted, toHex(bytes))
    }),
    { numRuns: 2000 },
  )
})

test('CborReader.skip() ends where checkWellFormed() says, whatever the item', () => {
  let accepted = 0
  fc.assert(
    fc.property(noise, (item) => {
      const list = new Uint8Array([0x82, ...item, 0x07])
      if (!accepts(item) || !accepts(list)) return
      accepted++
      const reader = new CborReader(list)
      const numbers: bigint[] = []
      reader.readArray((r) => {
        if (numbers.length === 0) numbers.push(0n)
        else numbers.push(r.readUint(64))
        if (numbers.length === 1) r.skip()
      })
      assert.deepEqual(numbers, [0n, 7n])
    }),
    { numRuns: 1000 },
  )
  assert.ok(accepted > 100, `${accepted} items were tried`)
})
