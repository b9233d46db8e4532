// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CodecError, fromHex, toHex } from '../src/index.ts'
import {
  decodeAum,
  decodeNodeKeySignature,
  encodeAum,
  encodeNodeKeySignature,
} from './authority-shapes.ts'

interface DecodeCase {
  name: string
  input: string
  ok: boolean
  serialized?: string
}

function casesOf(file: string): DecodeCase[] {
  const url = new URL(`../../../vectors/tka/${file}.json`, import.meta.url)
  return (JSON.parse(readFileSync(url, 'utf8')) as { cases: DecodeCase[] }).cases
}

/** Thousands of cases a file: one test each would drown the report, so failures are listed. */
function checkFile(file: string, roundTrip: (bytes: Uint8Array) => Uint8Array): void {
  test(`vectors/tka/${file}: accepts and refuses as recorded, and re-encodes alike`, () => {
    const cases = casesOf(file)
    const wrong: string[] = []
    for (const { name, input, ok, serialized } of cases) {
      let actual = 'refused'
      try {
        actual = toHex(roundTrip(fromHex(input)))
      } catch (error) {
        if (!(error instanceof CodecError)) throw error
      }
      const expected = ok ? (serialized ?? input) : 'refused'
      if (actual !== expected) wrong.push(`${name}: ${input}\n  want ${expected}\n  got  ${actual}`)
    }
    assert.deepEqual(wrong, [])
    assert.ok(cases.some(({ ok }) => ok) && cases.some(({ ok }) => !ok))
  })
}

checkFile('aum-decode', (bytes) => encodeAum(decodeAum(bytes)))
checkFile('aum-decode-fuzz', (bytes) => encodeAum(decodeAum(bytes)))
checkFile('nks-decode', (bytes) => encodeNodeKeySignature(decodeNodeKeySignature(bytes)))
checkFile('nks-decode-fuzz', (bytes) => encodeNodeKeySignature(decodeNodeKeySignature(bytes)))
