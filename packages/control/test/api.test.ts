// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as control from '../src/index.ts'
import { httpStatus } from '../src/errors.ts'

describe('@signet/control', () => {
  it('exports these names', () => {
    assert.deepEqual(Object.keys(control).sort(), [
      'ControlError',
      'createLogger',
      'httpStatus',
      'loadServerConfig',
      'openSqliteStore',
      'reloadableOf',
      'serverSettings',
      'startControl',
      'systemClock',
    ])
  })

  it('has a status for each code, and none of them is 500 but for its own configuration', () => {
    const surprising = Object.entries(httpStatus).filter(([, status]) => status === 500)
    assert.deepEqual(surprising, [['bad-config', 500]])
  })
})
