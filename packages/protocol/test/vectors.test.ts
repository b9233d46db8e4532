// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fromHex } from '@signet/codec'
import { ProtocolError } from '../src/index.ts'
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
      const type = messageTypes.get(vector.type)
      assert.ok(type, `no codec for ${vector.type}`)
      const input = vector.json ?? fromHex(vector.json_hex ?? '')
      if (vector.verdict === 'reject') {
        assert.throws(() => type.reencode(input), ProtocolError)
        return
      }
      if (vector.reencode_fails === true) {
        assert.throws(() => type.reencode(input), { name: 'ProtocolError', code: 'encode' })
        return
      }
      const written = type.reencode(input)
      // The very text Go writes: members in order, the same omitted, the same escaped.
      assert.equal(written, vector.reencoded ?? vector.json)
      // "signature-unknown" is the one text that Go writes but does not read back.
      if (written.includes('"signature-unknown"')) return
      assert.equal(type.reencode(written), written)
    })
  }

  test('an empty value of each type is written as Go writes the zero value', () => {
    for (const { name, type, json } of cases) {
      if (!name.startsWith('encode') || !name.endsWith('-zero')) continue
      assert.equal(messageTypes.get(type)?.encodeEmpty(), json, type)
    }
  })
})
