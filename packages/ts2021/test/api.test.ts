// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as api from '../src/index.ts'

test('@signet/ts2021 exports exactly this', () => {
  assert.deepEqual(Object.keys(api).toSorted(), [
    'DIAL_TIMEOUT',
    'HANDSHAKE_HEADER',
    'Http2Code',
    'MAX_CONCURRENT_STREAMS',
    'MAX_EARLY_BYTES',
    'MAX_KEY_RESPONSE',
    'NoiseLink',
    'PREFACE_TIMEOUT',
    'Ts2021Error',
    'UPGRADE_PROTOCOL',
    'acceptStream',
    'acceptUpgrade',
    'createControlConnection',
    'dialControl',
    'fetchServerKey',
    'noiseStream',
    'readBody',
    'serveHttp2',
  ])
})
