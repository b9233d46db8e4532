// SPDX-License-Identifier: Apache-2.0

/**
 * The parts of a running node, as those who only look at them see them.
 *
 * @module
 */

import type { Backend } from './backend.ts'
import type { Engine } from './engine.ts'
import type { NodeLockParts } from './lock/node-lock.ts'
import type { StateFile } from './state-file.ts'

/** See the module comment. */
export type NodeParts = NodeLockParts & {
  readonly stateFile: StateFile
  readonly engine: Engine
  readonly backend: Backend
}
