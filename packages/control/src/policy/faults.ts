// SPDX-License-Identifier: Apache-2.0

/**
 * What is wrong with a policy, each with its place: all of it at once, so that it is not found out one by one.
 *
 * @module
 */

import { ControlError } from '../errors.ts'
import { pathText } from './relaxed-json.ts'
import type { RelaxedJson } from './relaxed-json.ts'

/** Faults that are shown; a file of the wrong kind would fill the screen. */
const MAX_SHOWN = 20

/** Collects faults. */
export interface Faults {
  add(path: readonly PropertyKey[], problem: string): void
  /** Runs a check, and notes what it throws. */
  try<T>(path: readonly PropertyKey[], check: () => T): T | undefined
  /** @throws ControlError 'bad-policy' when there is any */
  throwIfAny(): void
}

/** Starts with none. */
export function createFaults(source: Pick<RelaxedJson, 'lineOf'>): Faults {
  const found: string[] = []
  const faults: Faults = {
    add(path, problem) {
      const where = path.length === 0 ? '' : `${pathText(path)}: `
      found.push(`line ${source.lineOf(path)}: ${where}${problem}`)
    },
    try(path, check) {
      try {
        return check()
      } catch (error) {
        if (!(error instanceof ControlError)) throw error
        faults.add(path, error.message)
        return undefined
      }
    },
    throwIfAny() {
      if (found.length === 0) return
      const more = found.length > MAX_SHOWN ? [`and ${found.length - MAX_SHOWN} more`] : []
      throw new ControlError('bad-policy', [...found.slice(0, MAX_SHOWN), ...more].join('\n'))
    },
  }
  return faults
}
