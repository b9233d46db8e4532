// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'
import { MAX_STUN_REQUEST } from '../src/limits.ts'
import { test } from 'node:test'
import { concatBytes } from '@signet/codec'
import * as fc from 'fast-check'
import {
  DerpError,
  encodeStunRequest,
  encodeStunResponse,
  isStun,
  parseStunRequest,
  parseStunResponse,
  unmapAddress,
} from '../src/index.ts'

const transaction = fc.uint8Array({ minLength: 12, maxLength: 12 })
const address = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
)
const port = fc.integer({ min: 0, max: 65_535 })
const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3)

test('STUN messages are read as they were written', () => {
  fc.assert(
    fc.property(transaction, address, port, (id, seen, at) => {
      const request = encodeStunRequest(id)
      assert.equal(request.length, 40)
      assert.deepEqual(parseStunRequest(request), id)
      const response = encodeStunResponse(id, { address: seen, port: at })
      assert.deepEqual(parseStunResponse(response), {
        transaction: id,
        address: unmapAddress(seen),
        port: at,
      })
      assert.ok(isStun(request) && isStun(response))
    }),
  )
})

test('parseStunRequest() refuses every change of one bit that it should see', () => {
  const request = encodeStunRequest(new Uint8Array(12).fill(7))
  for (let bit = 0; bit < request.length * 8; bit++) {
    const changed = request.slice()
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.throws(() => parseStunRequest(changed), { code: 'bad-stun' }, `bit ${bit}`)
  }
  for (let length = 0; length < request.length; length++) {
    assert.throws(() => parseStunRequest(request.slice(0, length)), { code: 'bad-stun' })
  }
})

test('parseStunResponse() refuses every answer that is cut', () => {
  const seen = { address: Uint8Array.of(1, 2, 3, 4), port: 5 }
  const response = encodeStunResponse(new Uint8Array(12), seen)
  for (let length = 0; length < response.length; length++) {
    assert.throws(() => parseStunResponse(response.slice(0, length)), { code: 'bad-stun' })
  }
})

test('parsers of STUN survive any bytes', () => {
  const start = Uint8Array.of(1, 1, 0, 24, 0x21, 0x12, 0xa4, 0x42)
  const bytes = fc.uint8Array({ maxLength: 80 })
  const packet = fc.oneof(
    bytes,
    bytes.map((rest) => concatBytes(start, rest)),
  )
  fc.assert(
    fc.property(packet, (each) => {
      for (const parse of [parseStunRequest, parseStunResponse]) {
        try {
          parse(each)
        } catch (error) {
          assert.ok(error instanceof DerpError && error.code === 'bad-stun')
        }
      }
    }),
  )
})

test('unmapAddress() takes IPv4 out of IPv6, and nothing else', () => {
  assert.deepEqual(unmapAddress(mapped), Uint8Array.of(10, 1, 2, 3))
  assert.deepEqual(unmapAddress(mapped.slice(0, 4)), mapped.slice(0, 4))
  for (const at of [0, 9, 10, 11]) {
    const other = mapped.slice()
    other[at] = 1
    assert.equal(unmapAddress(other), other)
  }
})

test('encodeStunResponse() refuses lengths that do not exist', () => {
  const id = new Uint8Array(12)
  const seen = { address: new Uint8Array(5), port: 1 }
  assert.throws(() => encodeStunResponse(id, seen), { code: 'bad-stun' })
  assert.throws(() => encodeStunRequest(new Uint8Array(11)), { code: 'bad-stun' })
})

test('parseStunRequest() computes no checksum of more than a request has', () => {
  /** A request with so many bytes of another attribute, and a right checksum. */
  const padded = (length: number): Uint8Array => {
    const plain = Buffer.from(encodeStunRequest(new Uint8Array(12).fill(7)))
    const more = Buffer.alloc(4 + length)
    more.writeUInt16BE(0x8099, 0)
    more.writeUInt16BE(length, 2)
    const message = Buffer.concat([plain.subarray(0, -8), more])
    const fingerprint = Buffer.alloc(8)
    fingerprint.writeUInt16BE(0x8028, 0)
    fingerprint.writeUInt16BE(4, 2)
    fingerprint.writeUInt32BE((crc32(message) ^ 0x5354_554e) >>> 0, 4)
    return Buffer.concat([message, fingerprint])
  }
  const room = MAX_STUN_REQUEST - 44
  assert.deepEqual(parseStunRequest(padded(room)), new Uint8Array(12).fill(7))
  assert.throws(() => parseStunRequest(padded(room + 4)), { code: 'bad-stun', message: /too long/ })
})
