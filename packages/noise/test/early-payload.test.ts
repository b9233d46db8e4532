// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes } from '@signet/codec'
import { challengePublicFromBytes } from '@signet/keys'
import * as fc from 'fast-check'
import { encodeEarlyPayload, NoiseError, parseEarlyPayload } from '../src/index.ts'

const MAGIC = [0xff, 0xff, 0xff, 0x54, 0x53]

test('parseEarlyPayload() waits until it can tell', () => {
  const nodeKeyChallenge = challengePublicFromBytes(new Uint8Array(32).fill(7))
  const bytes = encodeEarlyPayload({ nodeKeyChallenge })
  for (let cut = 0; cut < bytes.length; cut++) {
    assert.equal(parseEarlyPayload(bytes.subarray(0, cut)), undefined)
  }
  const rest = Uint8Array.of(1, 2, 3)
  assert.deepEqual(parseEarlyPayload(concatBytes(bytes, rest)), {
    payload: { nodeKeyChallenge },
    rest,
  })
})

test('parseEarlyPayload() reads at an offset into a larger buffer', () => {
  const nodeKeyChallenge = challengePublicFromBytes(new Uint8Array(32).fill(9))
  const bytes = concatBytes(Uint8Array.of(9, 9), encodeEarlyPayload({ nodeKeyChallenge }))
  assert.deepEqual(parseEarlyPayload(bytes.subarray(2))?.payload, { nodeKeyChallenge })
})

test('parseEarlyPayload() survives any bytes, and any JSON', () => {
  const json = fc.json().map((text) => {
    const body = Array.from(text, (char) => char.charCodeAt(0) & 0x7f)
    return Uint8Array.of(...MAGIC, 0, 0, body.length >> 8, body.length & 255, ...body)
  })
  const any = fc.uint8Array({ maxLength: 60 })
  const magic = any.map((bytes) => Uint8Array.of(...MAGIC, ...bytes))
  fc.assert(
    fc.property(fc.oneof(json, any, magic), (bytes) => {
      try {
        parseEarlyPayload(bytes)
      } catch (error) {
        assert.ok(error instanceof NoiseError && error.code === 'early-payload')
      }
    }),
  )
})
