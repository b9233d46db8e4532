// SPDX-License-Identifier: Apache-2.0

/**
 * Two answers, field by field.
 *
 * @module
 */

import { isObject } from './transcript.ts'
import type { Json } from './transcript.ts'

/** One field that is not the same. Undefined: not there. */
export interface Difference {
  /** Where, with the answer that it is in: `register.User.DisplayName`, `map.Peers.*.Online`. */
  readonly path: string
  readonly recorded: Json | undefined
  readonly live: Json | undefined
}

/**
 * Returns every field that differs. Go leaves out what is empty, so an empty value and none are the
 * same, and a field is compared where either side has one.
 */
export function differences(
  path: string,
  recorded: Json | undefined,
  live: Json | undefined,
): Difference[] {
  if (isObject(recorded) && isObject(live)) {
    const names = new Set([...Object.keys(recorded), ...Object.keys(live)])
    return [...names].flatMap((name) => differences(`${path}.${name}`, recorded[name], live[name]))
  }
  if (Array.isArray(recorded) && Array.isArray(live) && hasObjects(recorded) && hasObjects(live)) {
    const longest = Math.max(recorded.length, live.length)
    return Array.from({ length: longest }, (_, index) => index).flatMap((index) =>
      differences(`${path}.*`, recorded[index], live[index]),
    )
  }
  // Whether a node is online is three-valued: none means that it is not known. A capability is there by its
  // name alone.
  const isExact = path.endsWith('.Online') || path.includes('.CapMap.')
  const same = isExact ? sorted(recorded) === sorted(live) : isSame(recorded, live)
  return same ? [] : [{ path, recorded, live }]
}

function hasObjects(list: readonly Json[]): boolean {
  return list.some((item) => typeof item === 'object' && item !== null)
}

function isSame(a: Json | undefined, b: Json | undefined): boolean {
  if (isEmpty(a) && isEmpty(b)) return true
  return sorted(a) === sorted(b)
}

/** Whether Go's `omitempty` would leave it out, or a zero time stands for none. */
function isEmpty(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === false || value === '' || value === 0)
    return true
  return value === '0001-01-01T00:00:00Z' || (Array.isArray(value) && value.length === 0)
}

/** One text for equal values, whatever the order of their members. */
function sorted(value: Json | undefined): string {
  return JSON.stringify(value, (_name, part: Json) =>
    isObject(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
