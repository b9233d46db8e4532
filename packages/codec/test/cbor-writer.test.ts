// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CborWriter, toHex } from '../src/index.ts'

function written(write: (writer: CborWriter) => unknown): string {
  const writer = new CborWriter()
  write(writer)
  return toHex(writer.finish())
}

test('CborWriter.uint() uses the shortest head (RFC 8949 appendix A)', () => {
  const cases: [number | bigint, string][] = [
    [0, '00'],
    [1, '01'],
    [23, '17'],
    [24, '1818'],
    [100, '1864'],
    [255, '18ff'],
    [256, '190100'],
    [1000, '1903e8'],
    [65535, '19ffff'],
    [65536, '1a00010000'],
    [1000000, '1a000f4240'],
    [4294967295, '1affffffff'],
    [4294967296, '1b0000000100000000'],
    [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'],
    [1000000000000n, '1b000000e8d4a51000'],
    [18446744073709551615n, '1bffffffffffffffff'],
  ]
  for (const [value, hex] of cases) {
    assert.equal(
      written((w) => w.uint(value)),
      hex,
    )
    if (value <= Number.MAX_SAFE_INTEGER)
      assert.equal(
        written((w) => w.uint(BigInt(value))),
        hex,
      )
  }
})

test('CborWriter.bytes() and text() write their lengths in bytes', () => {
  assert.equal(
    written((w) => w.bytes(new Uint8Array(0))),
    '40',
  )
  assert.equal(
    written((w) => w.bytes(Uint8Array.of(1, 2, 3, 4))),
    '4401020304',
  )
  assert.equal(
    written((w) => w.bytes(null)),
    'f6',
  )
  assert.equal(
    written((w) => w.text('')),
    '60',
  )
  assert.equal(
    written((w) => w.text('\u6c34')),
    '63e6b0b4',
  )
  assert.equal(
    written((w) => w.text('\ud800\udd51')),
    '64f0908591',
  )
  assert.equal(
    written((w) => w.text('\ud800')),
    '63efbfbd',
  )
  const long = new Uint8Array(1000).fill(7)
  assert.equal(
    written((w) => w.bytes(long)),
    `5903e8${'07'.repeat(1000)}`,
  )
})

test('CborWriter.array() and map() hold what follows', () => {
  assert.equal(
    written((w) => w.array(0)),
    '80',
  )
  assert.equal(
    written((w) => w.map(0)),
    'a0',
  )
  assert.equal(
    written((w) => w.array(3).uint(1).uint(2).array(1).null()),
    '83010281f6',
  )
  assert.equal(
    written((w) => w.map(2).uint(1).map(0).uint(2).array(0)),
    'a201a00280',
  )
  assert.equal(
    written((w) => w.map(1).uint(5).map(1).uint(1).array(2).map(0).null()),
    'a105a10182a0f6',
  )
})

test('CborWriter.textMap() sorts shorter keys first, then by bytes', () => {
  const entries = new Map([
    ['aa', '1'],
    ['z', '2'],
    ['\u{10000}', '3'],
    ['\uffff', '4'],
    ['b', '5'],
    ['', '6'],
  ])
  assert.equal(
    written((w) => w.textMap(entries)),
    ['a6', '606136', '61626135', '617a6132', '6261616131', '63efbfbf6134', '64f09080806133'].join(
      '',
    ),
  )
})

const MISUSES: Record<string, (writer: CborWriter) => unknown> = {
  'nothing at all': (w) => w.finish(),
  'an unfilled array': (w) => w.array(2).uint(1).finish(),
  'a map without its last value': (w) => w.map(1).uint(1).finish(),
  'a second item': (w) => w.uint(1).uint(2),
  'an item after a full container': (w) => w.array(1).uint(1).uint(2),
  'a repeated key': (w) => w.map(2).uint(1).null().uint(1),
  'keys that descend': (w) => w.map(2).uint(2).null().uint(1),
  'a longer key before a shorter': (w) => w.map(2).text('aa').null().text('b'),
  'a text key before an integer': (w) => w.map(2).text('').null().uint(1),
  'a negative number': (w) => w.uint(-1),
  'a fraction': (w) => w.uint(1.5),
  'not a number': (w) => w.uint(Number.NaN),
  'a number that lost digits': (w) => w.uint(2 ** 53),
  'a negative bigint': (w) => w.uint(-1n),
  'a number of 65 bits': (w) => w.uint(2n ** 64n),
  'a negative count': (w) => w.array(-1),
}

for (const [what, write] of Object.entries(MISUSES)) {
  test(`CborWriter refuses ${what}`, () => {
    assert.throws(() => write(new CborWriter()), { name: 'CodecError', code: 'cbor-writer' })
  })
}

test('CborWriter takes a container as key, and checks the order of its whole encoding', () => {
  assert.equal(
    written((w) => w.map(1).array(1).uint(1).null()),
    'a18101f6',
  )
  assert.throws(() => new CborWriter().map(2).array(1).uint(2).null().array(1).uint(1), {
    code: 'cbor-writer',
  })
})

test('CborWriter.finish() gives bytes that no later call changes', () => {
  const writer = new CborWriter().uint(7)
  const first = writer.finish()
  first[0] = 0
  assert.deepEqual(writer.finish(), Uint8Array.of(7))
})
