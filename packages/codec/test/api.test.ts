// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as api from '../src/index.ts'

test('@signet/codec exports exactly this', () => {
  assert.deepEqual(Object.keys(api), [
    'CborReader',
    'CborWriter',
    'CodecError',
    'MAX_CBOR_ARRAY',
    'MAX_CBOR_DEPTH',
    'MAX_CBOR_MAP',
    'checkWellFormed',
    'compareBytes',
    'concatBytes',
    'decodeUtf8',
    'encodeUtf8',
    'equalBytes',
    'equalBytesConstantTime',
    'fromBase32',
    'fromBase64',
    'fromBase64Url',
    'fromHex',
    'fromRawBase64',
    'toBase32',
    'toBase64',
    'toBase64Url',
    'toHex',
    'toRawBase64',
  ])
})
