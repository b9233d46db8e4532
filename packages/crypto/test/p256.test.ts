// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUncompressedP256Point } from '../src/index.ts'
import { bytes, flipBit } from './bytes.ts'

// The base point, FIPS 186-5.
const X = '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296'
const Y = '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5'
const P = 'ffffffff00000001000000000000000000000000ffffffffffffffffffffffff'

test('isUncompressedP256Point() accepts a point in this form only', () => {
  const point = bytes(`04${X}${Y}`)
  assert.ok(isUncompressedP256Point(point))
  for (const wrong of [
    flipBit(point, 64),
    flipBit(point, 1),
    bytes(`03${X}`),
    bytes(`07${X}${Y}`),
    bytes(`04${P}${Y}`),
    bytes(`04${X}`),
    new Uint8Array([...point, 0]),
    new Uint8Array(65),
    new Uint8Array(0),
  ]) {
    assert.equal(isUncompressedP256Point(wrong), false)
  }
})
