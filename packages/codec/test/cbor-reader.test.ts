// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CborReader, type CodecErrorCode, fromHex, toHex } from '../src/index.ts'

/** Reads hex; spaces between the parts are for people. */
const reader = (hex: string): CborReader => new CborReader(fromHex(hex.replaceAll(' ', '')))

interface Accepted {
  read: (reader: CborReader) => unknown
  cases: Record<string, [hex: string, value: unknown]>
}

const ACCEPTED: Record<string, Accepted> = {
  'readUint(64)': {
    read: (r) => r.readUint(64),
    cases: {
      'an integer': ['1903e8', 1000n],
      'an integer that is not shortest': ['1b0000000000000001', 1n],
      'the largest exactly': ['1bffffffffffffffff', 0xffff_ffff_ffff_ffffn],
      'more than doubles hold': ['1b0020000000000001', 0x20_0000_0000_0001n],
      'null as zero': ['f6', 0n],
      'undefined as zero': ['f7', 0n],
      'simple value 0': ['e0', 0n],
      'simple value 19': ['f3', 19n],
      'simple value 32': ['f820', 32n],
      'simple value 255': ['f8ff', 255n],
    },
  },
  'readUint(8)': {
    read: (r) => r.readUint(8),
    cases: { 'its largest': ['18ff', 255n], 'its largest, written long': ['1900ff', 255n] },
  },
  'readInt64()': {
    read: (r) => r.readInt64(),
    cases: {
      positive: ['1b7fffffffffffffff', 0x7fff_ffff_ffff_ffffn],
      negative: ['20', -1n],
      'the most negative': ['3b7fffffffffffffff', -0x8000_0000_0000_0000n],
      'null as zero': ['f6', 0n],
      'a simple value': ['e5', 5n],
    },
  },
  'readBytes()': {
    read: (r) => r.readBytes(),
    cases: {
      bytes: ['420102', Uint8Array.of(1, 2)],
      'empty, apart from nil': ['40', new Uint8Array(0)],
      'null as nil': ['f6', null],
      'undefined as nil': ['f7', null],
      'an array of small integers': ['83011820f820', Uint8Array.of(1, 32, 32)],
      'an empty array, apart from nil': ['80', new Uint8Array(0)],
      'null in an array as zero': ['8201f6', Uint8Array.of(1, 0)],
    },
  },
  'readFixedBytes(4)': {
    read: (r) => r.readFixedBytes(4),
    cases: {
      'the right length': ['4401020304', Uint8Array.of(1, 2, 3, 4)],
      'shorter, filled with zeros': ['420102', Uint8Array.of(1, 2, 0, 0)],
      'longer, cut': ['450102030405', Uint8Array.of(1, 2, 3, 4)],
      'null as zeros': ['f6', new Uint8Array(4)],
      'an array, filled': ['8101', Uint8Array.of(1, 0, 0, 0)],
      'an array, cut without a look at the rest': ['8501020304f4', Uint8Array.of(1, 2, 3, 4)],
    },
  },
  'readText()': {
    read: (r) => r.readText(),
    cases: {
      text: ['6161', 'a'],
      'a byte order mark': ['64efbbbf61', '\ufeffa'],
      'null as nil': ['f6', null],
    },
  },
  'readTextMap()': {
    read: (r) => r.readTextMap(),
    cases: {
      'keys in any order': [
        'a2 61626131 61616132',
        new Map([
          ['b', '1'],
          ['a', '2'],
        ]),
      ],
      'empty, apart from nil': ['a0', new Map()],
      'null as nil': ['f6', null],
      'a null key as the empty text': ['a1f66131', new Map([['', '1']])],
      'a null value as the empty text': ['a16161f6', new Map([['a', '']])],
      'a null value as the value before it': [
        'a2616161316162f6',
        new Map([
          ['a', '1'],
          ['b', '1'],
        ]),
      ],
      'names that objects have': ['a1695f5f70726f746f5f5f6131', new Map([['__proto__', '1']])],
    },
  },
  'readArray()': {
    read: (r) => r.readArray((item) => item.readBytes()),
    cases: {
      'elements, null among them': ['824101f6', [Uint8Array.of(1), null]],
      'empty, apart from nil': ['80', []],
      'null as nil': ['f6', null],
    },
  },
  'readOptional()': {
    read: (r) => r.readOptional((value) => value.readUint(64)),
    cases: { 'null, apart from zero': ['f6', null], zero: ['00', 0n], undefined: ['f7', null] },
  },
}

for (const [name, { read, cases }] of Object.entries(ACCEPTED)) {
  for (const [what, [hex, value]] of Object.entries(cases)) {
    test(`CborReader.${name} reads ${what}`, () => {
      assert.deepEqual(read(reader(hex)), value)
    })
  }
}

interface Rejected {
  read: (reader: CborReader) => unknown
  cases: Record<string, [code: CodecErrorCode, hex: string]>
}

const REJECTED: Record<string, Rejected> = {
  'readUint(64)': {
    read: (r) => r.readUint(64),
    cases: {
      'a negative integer': ['cbor-type', '20'],
      false: ['cbor-type', 'f4'],
      true: ['cbor-type', 'f5'],
      'a half float': ['cbor-type', 'f93c00'],
      'a single float': ['cbor-type', 'fa3f800000'],
      'a double float': ['cbor-type', 'fb3ff0000000000000'],
      bytes: ['cbor-type', '4101'],
      text: ['cbor-type', '6131'],
      'an array': ['cbor-type', '8101'],
      'a map': ['cbor-type', 'a0'],
    },
  },
  'readUint(8)': { read: (r) => r.readUint(8), cases: { 256: ['cbor-type', '190100'] } },
  'readInt64()': {
    read: (r) => r.readInt64(),
    cases: {
      'beyond the largest': ['cbor-type', '1b8000000000000000'],
      'beyond the most negative': ['cbor-type', '3b8000000000000000'],
      false: ['cbor-type', 'f4'],
    },
  },
  'readBytes()': {
    read: (r) => r.readBytes(),
    cases: {
      text: ['cbor-type', '6161'],
      'an integer': ['cbor-type', '01'],
      'a simple value': ['cbor-type', 'e0'],
      'an array with a large integer': ['cbor-type', '81190100'],
      'an array with a negative integer': ['cbor-type', '8120'],
      'an array with bytes': ['cbor-type', '814101'],
      'a map': ['cbor-type', 'a0'],
    },
  },
  'readFixedBytes(4)': {
    read: (r) => r.readFixedBytes(4),
    cases: { text: ['cbor-type', '6161'], 'a bad element before the end': ['cbor-type', '81f4'] },
  },
  'readText()': {
    read: (r) => r.readText(),
    cases: { bytes: ['cbor-type', '4161'], 'what is not UTF-8': ['bad-utf8', '61ff'] },
  },
  'readTextMap()': {
    read: (r) => r.readTextMap(),
    cases: {
      'a repeated key': ['cbor-duplicate-key', 'a2 61616131 61616132'],
      'a null key after another key, which it repeats': ['cbor-duplicate-key', 'a261616131f66132'],
      'an integer key': ['cbor-type', 'a1016131'],
      'a byte key': ['cbor-type', 'a141616131'],
      'a byte value': ['cbor-type', 'a161614131'],
      'a key that is not UTF-8': ['bad-utf8', 'a161ff6131'],
      'a value that is not UTF-8': ['bad-utf8', 'a1616161ff'],
      'an array': ['cbor-type', '80'],
    },
  },
  'readArray()': {
    read: (r) => r.readArray((item) => item.readBytes()),
    cases: { bytes: ['cbor-type', '4101'], 'a bad element': ['cbor-type', '82410101'] },
  },
}

for (const [name, { read, cases }] of Object.entries(REJECTED)) {
  for (const [what, [code, hex]] of Object.entries(cases)) {
    test(`CborReader.${name} refuses ${what}`, () => {
      assert.throws(() => read(reader(hex)), { name: 'CodecError', code })
    })
  }
}

/** Reads a structure with fields 1 and 7, both integers, and reports the calls. */
function readFields(hex: string): { calls: [number, bigint][]; isPresent: boolean } {
  const calls: [number, bigint][] = []
  const isPresent = reader(hex).readStruct(
    new Map([
      [1, (r: CborReader) => void calls.push([1, r.readUint(64)])],
      [7, (r: CborReader) => void calls.push([7, r.readUint(64)])],
    ]),
  )
  return { calls, isPresent }
}

const STRUCTS: Record<string, [hex: string, calls: [number, bigint][]]> = {
  'fields in any order': [
    'a207020101',
    [
      [7, 2n],
      [1, 1n],
    ],
  ],
  'no fields': ['a0', []],
  'a key that is not shortest': ['a11b000000000000000705', [[7, 5n]]],
  'a key as text': ['a1613705', [[7, 5n]]],
  'unknown keys with any value': ['a4 026161 20a1f4f5 617880 1863fb7ff8000000000000', []],
  'an unknown value that is not UTF-8': ['a10261ff', []],
  'repeated keys inside an unknown value': ['a102a201010102', []],
  'text that only looks like a field': ['a3 62303705 622b3706 63372020 07', []],
  'an integer beside its text, both unknown': ['a2 186301 62393902', []],
}

for (const [what, [hex, calls]] of Object.entries(STRUCTS)) {
  test(`CborReader.readStruct() reads ${what}`, () => {
    assert.deepEqual(readFields(hex), { calls, isPresent: true })
  })
}

test('CborReader.readStruct() calls nothing for null', () => {
  assert.deepEqual(readFields('f6'), { calls: [], isPresent: false })
  assert.deepEqual(readFields('f7'), { calls: [], isPresent: false })
})

const BAD_STRUCTS: Record<string, [code: CodecErrorCode, hex: string]> = {
  'a repeated field': ['cbor-duplicate-key', 'a207010702'],
  'a field beside its text': ['cbor-duplicate-key', 'a20701613702'],
  'a field written twice, once longer': ['cbor-duplicate-key', 'a20701180702'],
  'a repeated unknown integer': ['cbor-duplicate-key', 'a202010202'],
  'a repeated unknown text': ['cbor-duplicate-key', 'a2617801617802'],
  'a repeated negative key': ['cbor-duplicate-key', 'a220012002'],
  'a key of 2^64-1 beside -1, one number of 64 bits': [
    'cbor-duplicate-key',
    'a21bffffffffffffffff012002',
  ],
  'a byte key': ['cbor-type', 'a1410701'],
  'a null key': ['cbor-type', 'a1f601'],
  'a boolean key': ['cbor-type', 'a1f401'],
  'a simple key': ['cbor-type', 'a1e001'],
  'a float key': ['cbor-type', 'a1f93c0001'],
  'an array key': ['cbor-type', 'a18001'],
  'a map key': ['cbor-type', 'a1a001'],
  'a negative key beyond 64 bits': ['cbor-type', 'a13b800000000000000001'],
  'a text key that is not UTF-8': ['bad-utf8', 'a161ff01'],
  'an array': ['cbor-type', '80'],
  'an integer': ['cbor-type', '01'],
  text: ['cbor-type', '60'],
  true: ['cbor-type', 'f5'],
}

for (const [what, [code, hex]] of Object.entries(BAD_STRUCTS)) {
  test(`CborReader.readStruct() refuses ${what}`, () => {
    assert.throws(() => readFields(hex), { name: 'CodecError', code })
  })
}

test('CborReader.skip() consumes one item of any kind', () => {
  for (const item of [
    '00',
    '1903e8',
    '4101',
    '62c328',
    '8201a10203',
    'a10102',
    'f6',
    'fb0000000000000000',
  ]) {
    const both = reader(`82${item}05`)
    let last = 0n
    both.readArray((r) => {
      if (last === 0n) r.skip()
      else return
      last = r.readUint(64)
    })
    assert.equal(last, 5n, item)
  }
})

test('CborReader returns copies, so that what was read does not change with the input', () => {
  const input = fromHex('420102')
  const bytes = new CborReader(input).readBytes()
  input.fill(0xff)
  assert.equal(bytes && toHex(bytes), '0102')
})

test('CborReader reads a view into a larger buffer', () => {
  const padded = fromHex('ffff1bfffffffffffffffeffff')
  const view = padded.subarray(2, 11)
  assert.equal(new CborReader(view).readUint(64), 0xffff_ffff_ffff_fffen)
})

test('CborReader checks the whole input before it reads any', () => {
  assert.throws(() => reader('0000'), { code: 'cbor-trailing' })
  assert.throws(() => reader('820105c0'), { code: 'cbor-trailing' })
  assert.equal(new CborReader(fromHex('0700'), { allowTrailing: true }).readUint(64), 7n)
})
