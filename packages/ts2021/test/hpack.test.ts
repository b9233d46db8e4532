// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fromHex } from '@signet/codec'
import * as fc from 'fast-check'
import { Http2Error } from '../src/http2/errors.ts'
import { encodeHeaders, HpackDecoder } from '../src/http2/hpack.ts'
import { decodeHuffman } from '../src/http2/huffman.ts'

const LIMITS = { pairs: 64, bytes: 16_384 }
const decoder = (): HpackDecoder => new HpackDecoder(LIMITS)

describe('HpackDecoder', () => {
  // RFC 7541, appendix C: three requests on one connection.
  const get = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ]
  const expected = [
    get,
    [...get, ['cache-control', 'no-cache']],
    [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/index.html'],
      [':authority', 'www.example.com'],
      ['custom-key', 'custom-value'],
    ],
  ]
  const sequences = {
    'C.3, plain': [
      '828684410f7777772e6578616d706c652e636f6d',
      '828684be58086e6f2d6361636865',
      '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
    ],
    'C.4, Huffman': [
      '828684418cf1e3c2e5f23a6ba0ab90f4ff',
      '828684be5886a8eb10649cbf',
      '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
    ],
  }
  for (const [name, blocks] of Object.entries(sequences)) {
    test(`reads the published requests of ${name}`, () => {
      const hpack = decoder()
      assert.deepEqual(
        blocks.map((block) => hpack.decode(fromHex(block))),
        expected,
      )
    })
  }

  test('forgets the oldest fields beyond the size of the table', () => {
    const hpack = decoder()
    // Size 64 bytes, then two fields of 42 bytes each: only the second is kept.
    hpack.decode(fromHex('3f214005616161616105616161616140056262626262056262626262'))
    assert.deepEqual(hpack.decode(fromHex('be')), [['bbbbb', 'bbbbb']])
    assert.throws(() => hpack.decode(fromHex('bf')), Http2Error)
  })

  test('a field larger than the table empties it', () => {
    const hpack = decoder()
    hpack.decode(fromHex('4001610162'))
    hpack.decode(fromHex('3f0140056161616161056161616161'))
    assert.throws(() => hpack.decode(fromHex('be')), Http2Error)
  })

  const wrong: Record<string, string> = {
    'index zero': '80',
    'an index beyond the tables': 'be',
    'a name beyond the tables': '7e0161',
    'a string cut off': '400161056162',
    'a block that ends in a number': '7f',
    'a number that never ends': 'ff8080808080808080',
    'a number too large': 'ffffffffffff7f',
    'a table larger than allowed': '3fe21f',
    'a table size after a field': '8220',
    'Huffman padding of zeros': '400185000161',
    'Huffman padding of eight bits': '400161821fff',
    'the Huffman end of string': '40016184ffffffff',
  }
  for (const [name, block] of Object.entries(wrong)) {
    test(`refuses ${name}`, () => {
      assert.throws(() => decoder().decode(fromHex(block)), Http2Error)
    })
  }

  test('takes as many fields and bytes as its limits, and no more', () => {
    const fields = (count: number): Uint8Array => new Uint8Array(count).fill(0x82)
    assert.equal(new HpackDecoder({ pairs: 3, bytes: 1000 }).decode(fields(3)).length, 3)
    assert.throws(() => new HpackDecoder({ pairs: 3, bytes: 1000 }).decode(fields(4)), {
      code: 0xb,
    })
    // ":method: GET" counts 42.
    assert.equal(new HpackDecoder({ pairs: 99, bytes: 126 }).decode(fields(3)).length, 3)
    assert.throws(() => new HpackDecoder({ pairs: 99, bytes: 125 }).decode(fields(3)), Http2Error)
  })

  test('reads what encodeHeaders() writes', () => {
    const text = fc.string({ unit: 'binary-ascii', maxLength: 300 })
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 20 }), (fields) => {
        assert.deepEqual(decoder().decode(encodeHeaders(fields)), fields)
      }),
    )
  })

  test('survives any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }), (blocks) => {
        const hpack = decoder()
        try {
          for (const block of blocks) hpack.decode(block)
        } catch (error) {
          assert.ok(error instanceof Http2Error)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

test('decodeHuffman() survives any bytes, and never gives more than 8/5 of them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        assert.ok(decodeHuffman(bytes).length <= Math.ceil((bytes.length * 8) / 5))
      } catch (error) {
        assert.ok(error instanceof Http2Error)
      }
    }),
    { numRuns: 2_000 },
  )
})
