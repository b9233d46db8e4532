// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as api from '../src/index.ts'

test('the package exports exactly these names', () => {
  assert.deepEqual(Object.keys(api).toSorted(), [
    'AllowedIps',
    'WireguardError',
    'createDevice',
    'formatIp',
    'formatPrefix',
    'innerPacketLength',
    'parseIp',
    'parsePrefix',
  ])
})
