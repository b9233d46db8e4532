// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  aumHashBytes,
  aumHashFromBytes,
  aumHashText,
  aumKindText,
  aumParent,
  parseAumHash,
} from '../src/index.ts'
import { refusal } from './support/refuses.ts'
import { aumOf, SOME_HASH, SOME_HASH_BYTES } from './support/samples.ts'

const TEXT = 'JJRRHYGNBVUWY77ZY436U35DVPHXPY4C5HPQZA2PHUPBNM5252UA'
const HASH = '4a6313e0cd0d696c7ff9c737ea6fa3abcf77e382e9df0c834f3d1e16b3baeea8'

describe('parseAumHash()', () => {
  test('reads 52 base32 characters, and aumHashText() writes them', () => {
    assert.equal(parseAumHash(TEXT), HASH)
    assert.equal(aumHashText(parseAumHash(TEXT)), TEXT)
  })

  test('Q10: does not look at the 4 spare bits of the last character', () => {
    assert.equal(parseAumHash(`${TEXT.slice(0, -1)}P`), HASH)
    assert.equal(aumHashText(parseAumHash(`${TEXT.slice(0, -1)}P`)), TEXT)
  })

  test('Q10: counts line breaks, and reads them as nothing', () => {
    assert.equal(parseAumHash(`${TEXT.slice(0, -1)}\n`), `${HASH.slice(0, -4)}0000`)
    assert.equal(parseAumHash(`${TEXT.slice(0, -2)}\r\n`), `${HASH.slice(0, -2)}00`)
  })

  const refused = {
    nothing: '',
    '51 characters': TEXT.slice(1),
    '53 characters': `${TEXT}A`,
    'lower case': TEXT.toLowerCase(),
    padding: `${TEXT.slice(0, -4)}====`,
    'padding behind': `${TEXT}====`,
    'a hash and a line break': `${TEXT}\n`,
    'a character that is not base32': `1${TEXT.slice(1)}`,
    'a character of two bytes': `${TEXT.slice(0, -1)}é`,
    'a space': ` ${TEXT.slice(1)}`,
    hexadecimal: HASH,
  }
  for (const [name, text] of Object.entries(refused)) {
    test(`Q10: refuses ${name}`, () => {
      assert.throws(() => parseAumHash(text), refusal('bad-hash-text'))
    })
  }
})

describe('aumHashFromBytes()', () => {
  test('is the inverse of aumHashBytes()', () => {
    assert.equal(aumHashFromBytes(SOME_HASH_BYTES), SOME_HASH)
    assert.deepEqual(aumHashBytes(SOME_HASH), SOME_HASH_BYTES)
  })

  test('cuts and fills to 32 bytes', () => {
    assert.equal(aumHashFromBytes(new Uint8Array(40).fill(1)), '01'.repeat(32))
    assert.equal(aumHashFromBytes(Uint8Array.of(1)), `01${'00'.repeat(31)}`)
  })

  test('orders as bytes do', () => {
    const low = aumHashFromBytes(Uint8Array.of(0x09))
    const high = aumHashFromBytes(Uint8Array.of(0xa0))
    assert.ok(low < high)
  })
})

describe('aumParent()', () => {
  test('is null for none, and for an empty one', () => {
    assert.equal(aumParent(aumOf({ prev: null })), null)
    assert.equal(aumParent(aumOf({ prev: new Uint8Array(0) })), null)
  })

  test('Q25: cuts and fills what is not 32 bytes', () => {
    assert.equal(aumParent(aumOf({ prev: new Uint8Array(33).fill(7) })), '07'.repeat(32))
    assert.equal(aumParent(aumOf({ prev: new Uint8Array(31).fill(7) })), `${'07'.repeat(31)}00`)
  })
})

test('aumKindText() names every kind, and numbers from the future', () => {
  const names = [0, 1, 2, 3, 4, 5, 6, 255].map(aumKindText)
  assert.deepEqual(names, [
    'invalid',
    'add-key',
    'remove-key',
    'no-op',
    'update-key',
    'checkpoint',
    'AUM?<6>',
    'AUM?<255>',
  ])
})
