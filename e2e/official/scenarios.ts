// SPDX-License-Identifier: Apache-2.0

/**
 * The rows of the matrix, in their order.
 *
 * @module
 */

import { hostile } from '../hostile/official-rows.ts'
import { crashes } from './crashes.ts'
import { doors } from './doors.ts'
import { joining } from './joining.ts'
import { life } from './life.ts'
import { lockCommands } from './lock-commands.ts'
import { lockedOut } from './locked-out.ts'
import { namespaces } from './namespaces.ts'
import { order } from './order.ts'
import { paths } from './paths.ts'
import { serving } from './serving.ts'
import type { Scenario } from './scenario.ts'

/** All scenarios. */
export const scenarios: readonly Scenario[] = [
  ...joining,
  ...life,
  ...paths,
  ...doors,
  ...lockCommands,
  ...lockedOut,
  ...order,
  ...crashes,
  ...serving,
  ...namespaces,
  ...hostile,
]
