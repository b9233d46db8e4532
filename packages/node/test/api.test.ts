// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import test from 'node:test'
import * as api from '@signet/node'

test('exports of @signet/node', () => {
  assert.deepEqual(Object.keys(api).sort(), [
    'NodeError',
    'refusalText',
    'silentLog',
    'socketPathOf',
    'startNode',
    'systemClock',
  ])
})
