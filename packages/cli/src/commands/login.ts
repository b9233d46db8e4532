// SPDX-License-Identifier: Apache-2.0

/**
 * `signet login`: `up` with a new node key.
 *
 * @module
 */

import type { CommandContext } from '../command.ts'
import { bringUp } from './up.ts'

/** Runs `login`. */
export async function run(context: CommandContext): Promise<void> {
  await bringUp(context, { forceLogin: true, reset: false, json: false })
}
