// SPDX-License-Identifier: Apache-2.0

/**
 * What a row of the matrix is: a story with real processes that throws where it goes wrong.
 *
 * @module
 */

import type { Stage } from './stage.ts'

/** Who takes part: the newest official client, an older one, our own node. */
export type Part = 'new' | 'old' | 'signet'

/** A scenario. */
export interface Scenario {
  /** Unique; a group and a slash in front, so that a filter can pick a group. */
  readonly name: string
  readonly parts: readonly Part[]
  /** Loopback and no rights, or namespaces with interfaces of their own, as root. */
  readonly mode: 'userspace' | 'namespaces'
  /** Longer than {@link DEADLINE_MS} when it waits for something long. */
  readonly deadlineMs?: number
  /** Why it cannot run on this machine, undefined when it can. */
  readonly unable?: () => string | undefined
  /** What is known to be missing: the row is expected to fail, and has to lose this when it does not. */
  readonly known?: string
  readonly run: (stage: Stage) => Promise<void>
}

/** A scenario that takes longer hangs. */
export const DEADLINE_MS = 120_000

/** Returns a scenario in userspace mode. */
export function scenario(
  name: string,
  parts: readonly Part[],
  run: (stage: Stage) => Promise<void>,
  more: Partial<Scenario> = {},
): Scenario {
  return { name, parts, mode: 'userspace', run, ...more }
}
