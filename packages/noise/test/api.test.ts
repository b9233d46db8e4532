// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as api from '../src/index.ts'

test('@signet/noise exports exactly this', () => {
  assert.deepEqual(Object.keys(api).toSorted(), [
    'HEADER_LENGTH',
    'INITIATION_LENGTH',
    'MAX_RECORD',
    'MAX_RECORD_PLAINTEXT',
    'NoiseError',
    'RESPONSE_LENGTH',
    'RecordReader',
    'RecordWriter',
    'createInitiator',
    'encodeEarlyPayload',
    'parseEarlyPayload',
    'respond',
    'sealedLength',
  ])
})
