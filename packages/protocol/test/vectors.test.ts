// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fromHex } from '@signet/codec'
import { encodeJson, parseJson, ProtocolError } from '../src/index.ts'
import { messageTypes } from './message-types.ts'

interface Case {
  name: string
  kind: 'encode' | 'decode'
  type: string
  json?: string
  json_hex?: string
  verdict?: 'accept' | 'reject'
  reencoded?: string
  reencode_fails?: boolean
}

const url = new URL('../../../vectors/wire/control-json.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(url, 'utf8')) as { cases: Case[] }

describe('vectors/wire/control-json', () => {
  for (const vector of cases) {
    test(vector.name, () => {
      const codec = messageTypes.get(vector.type)
      assert.ok(codec, `no codec for ${vector.type}`)
      const input = vector.json ?? fromHex(vector.json_hex ?? '')
      if (vector.verdict === 'reject') {
        assert.throws(() => parseJson(codec, input), ProtocolError)
        return
      }
      const value = parseJson(codec, input)
      if (vector.reencode_fails === true) {
        assert.throws(() => encodeJson(codec, value), { name: 'ProtocolError', code: 'encode' })
        return
      }
      const written = encodeJson(codec, value)
      // The very text Go writes: members in order, the same omitted, the same escaped.
      assert.equal(written, vector.reencoded ?? vector.json)
      // "signature-unknown" is the one text that Go writes but does not read back.
      if (written.includes('"signature-unknown"')) return
      assert.equal(encodeJson(codec, parseJson(codec, written)), written)
    })
  }

  test('an empty value of each type is written as Go writes the zero value', () => {
    for (const vector of cases.filter(
      ({ name }) => /-zero$/.test(name) && name.startsWith('encode'),
    )) {
      const codec = messageTypes.get(vector.type)
      assert.equal(codec && encodeJson<unknown>(codec, {}), vector.json, vector.type)
    }
  })
})
