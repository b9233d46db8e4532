// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as cli from '../src/index.ts'

test('the package exports', () => {
  assert.deepEqual(Object.keys(cli).sort(), [
    'allCommands',
    'cliErrorTable',
    'cliErrors',
    'cliReference',
    'commandHelp',
    'createUnixTransport',
    'flagUsage',
    'overview',
    'run',
  ])
})
