// SPDX-License-Identifier: Apache-2.0

/**
 * Vectors made by the official implementation: `vectors/wire/wireguard.json`, every case.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { checkWireguardCase, type WireguardCase } from './vector-cases.ts'

const path = new URL('../../../vectors/wire/wireguard.json', import.meta.url)
const file = JSON.parse(readFileSync(path, 'utf8')) as {
  readonly format: string
  readonly cases: readonly WireguardCase[]
}

test('vectors have a known format', () => {
  assert.equal(file.format, 'wireguard/1')
  assert.ok(file.cases.length > 70)
})

for (const value of file.cases) {
  test(`vector ${value.kind}: ${value.name}`, () => {
    checkWireguardCase(value, file.cases)
  })
}
