// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorizeNodeKey, indexTrustedKeys } from '../src/index.ts'
import { bytesOf, lockKey, nodeKey, signed, direct, trustedKey } from './support/node-signatures.ts'
import { refusal } from './support/refuses.ts'

const [a, b] = [lockKey(1).keyId, lockKey(2).keyId]

test('indexTrustedKeys() finds keys by their exact bytes', () => {
  const keys = indexTrustedKeys([trustedKey(a), trustedKey(a.slice(0, 31))])
  assert.ok(keys.has(a))
  assert.ok(keys.has(a.slice(0, 31)))
  assert.ok(!keys.has(b))
  assert.ok(!keys.has(a.slice(0, 30)))
  assert.ok(!indexTrustedKeys(null).has(a))
})

test('indexTrustedKeys() hides what stands behind a key of unknown kind', () => {
  assert.ok(!indexTrustedKeys([trustedKey(b, 2), trustedKey(a)]).has(a))
  assert.ok(indexTrustedKeys([trustedKey(a), trustedKey(b, 2)]).has(a))
  assert.ok(!indexTrustedKeys([trustedKey(a), trustedKey(b, 2)]).has(b))
})

test('Q64: a trusted key of 31 bytes signs no node', () => {
  const odd = a.slice(0, 31)
  const signature = signed({ ...direct(nodeKey(5), lockKey(1)), keyId: odd }, lockKey(1))
  const keys = indexTrustedKeys([trustedKey(odd)])
  assert.throws(
    () => authorizeNodeKey(keys, nodeKey(5), bytesOf(signature)),
    refusal('signature-structure'),
  )
})
