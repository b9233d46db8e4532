// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkWellFormed,
  type CodecErrorCode,
  fromHex,
  MAX_CBOR_ARRAY,
  MAX_CBOR_DEPTH,
  MAX_CBOR_MAP,
} from '../src/index.ts'

const check = (hex: string): number => checkWellFormed(fromHex(hex))

const ACCEPTED: Record<string, string> = {
  'the smallest integer': '00',
  'the largest integer': '1bffffffffffffffff',
  'an integer that is not shortest': '1b0000000000000001',
  'a negative integer': '3bffffffffffffffff',
  'a length that is not shortest': '5a0000000161',
  'text that is not UTF-8': '62c328',
  'unsorted and repeated keys': 'a302f601f601f6',
  'a key of any type': 'a1a0f4',
  null: 'f6',
  undefined: 'f7',
  'a simple value': 'e0',
  'a simple value of two bytes': 'f820',
  'a half float': 'f97e00',
  'a single float': 'fa7f800000',
  'a double float': 'fb7ff8000000000001',
}

for (const [what, hex] of Object.entries(ACCEPTED)) {
  test(`checkWellFormed() accepts ${what}`, () => {
    assert.equal(check(hex), hex.length / 2)
  })
}

const REJECTED: Record<string, [CodecErrorCode, string]> = {
  nothing: ['cbor-malformed', ''],
  'a head cut short': ['cbor-malformed', '19ff'],
  'bytes cut short': ['cbor-malformed', '420a'],
  'text cut short': ['cbor-malformed', '62'],
  'an array cut short': ['cbor-malformed', '8201'],
  'a map cut short': ['cbor-malformed', 'a101'],
  'a string longer than memory': ['cbor-malformed', '5bffffffffffffffff'],
  'a string of 2^63 bytes': ['cbor-malformed', '5b8000000000000000'],
  'reserved 28': ['cbor-malformed', `1c${'00'.repeat(16)}`],
  'reserved 29': ['cbor-malformed', `5d${'00'.repeat(32)}`],
  'reserved 30': ['cbor-malformed', `fe${'00'.repeat(64)}`],
  'a break alone': ['cbor-malformed', 'ff'],
  'an integer with head 31': ['cbor-malformed', '1f'],
  'a negative integer with head 31': ['cbor-malformed', '3f'],
  'a tag with head 31': ['cbor-malformed', 'df'],
  'a simple value below 32 in two bytes': ['cbor-malformed', 'f81f'],
  'null in two bytes': ['cbor-malformed', 'f816'],
  'bytes of indefinite length': ['cbor-forbidden', '5f4101ff'],
  'text of indefinite length': ['cbor-forbidden', '7f6161ff'],
  'an array of indefinite length': ['cbor-forbidden', '9f01ff'],
  'a map of indefinite length': ['cbor-forbidden', 'bf0101ff'],
  'the tag that only describes itself': ['cbor-forbidden', 'd9d9f700'],
  'a tag inside': ['cbor-forbidden', '81c000'],
  'a tag as key': ['cbor-forbidden', 'a1c000f6'],
  'a byte after the item': ['cbor-trailing', '0000'],
}

for (const [what, [code, hex]] of Object.entries(REJECTED)) {
  test(`checkWellFormed() refuses ${what}`, () => {
    assert.throws(() => check(hex), { name: 'CodecError', code })
  })
}

test('checkWellFormed() allowTrailing returns where the item ends', () => {
  assert.equal(checkWellFormed(fromHex('8101ffff'), { allowTrailing: true }), 2)
  assert.throws(() => checkWellFormed(fromHex(''), { allowTrailing: true }), {
    code: 'cbor-malformed',
  })
})

/** Containers in each other, the innermost empty: arrays, or maps in values, or maps in keys. */
const NESTED: Record<string, (depth: number) => string> = {
  arrays: (depth) => `${'81'.repeat(depth - 1)}80`,
  'maps in values': (depth) => `${'a101'.repeat(depth - 1)}a0`,
  'maps in keys': (depth) => `${'a1'.repeat(depth - 1)}a0${'01'.repeat(depth - 1)}`,
}

for (const [what, nest] of Object.entries(NESTED)) {
  test(`MAX_CBOR_DEPTH counts the outermost container as 1: ${what}`, () => {
    check(nest(MAX_CBOR_DEPTH))
    assert.throws(() => check(nest(MAX_CBOR_DEPTH + 1)), { code: 'cbor-limit' })
    assert.throws(() => check(nest(100_000)), { code: 'cbor-limit' })
  })
}

test('MAX_CBOR_DEPTH does not count what is no container', () => {
  check(`${'81'.repeat(MAX_CBOR_DEPTH)}01`)
})

test('MAX_CBOR_ARRAY holds at the bound, and is judged by the head', () => {
  const array = (size: number): string => `99${size.toString(16).padStart(4, '0')}`
  check(array(MAX_CBOR_ARRAY) + '00'.repeat(MAX_CBOR_ARRAY))
  const tooMany = array(MAX_CBOR_ARRAY + 1) + '00'.repeat(MAX_CBOR_ARRAY + 1)
  assert.throws(() => check(tooMany), { code: 'cbor-limit' })
  assert.throws(() => check('9bffffffffffffffff'), { code: 'cbor-limit' })
})

test('MAX_CBOR_MAP holds at the bound, and is judged by the head', () => {
  const map = (size: number): string => `b9${size.toString(16).padStart(4, '0')}`
  check(map(MAX_CBOR_MAP) + '0000'.repeat(MAX_CBOR_MAP))
  const tooMany = map(MAX_CBOR_MAP + 1) + '0000'.repeat(MAX_CBOR_MAP + 1)
  assert.throws(() => check(tooMany), { code: 'cbor-limit' })
  assert.throws(() => check('bbffffffffffffffff'), { code: 'cbor-limit' })
})
