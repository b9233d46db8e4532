// SPDX-License-Identifier: Apache-2.0

/**
 * What peers may do beyond sending packets: application capabilities that rules grant.
 *
 * @module
 */

import { prefixContains, type CapMap, type RawJson } from '@signet/protocol'
import type { Match } from './matches.ts'

/**
 * Returns what `source` has been granted towards `destination` (4 or 16 bytes each), or null if nothing.
 * Values of several rules are joined, in the order of the rules.
 */
export function grantedCaps(
  matches: readonly Match[],
  source: Uint8Array,
  destination: Uint8Array,
): CapMap | null {
  const granted = new Map<string, readonly RawJson[] | null>()
  for (const { isSource, caps } of matches) {
    if (!isSource.has(source)) continue
    for (const { destination: network, name, values } of caps) {
      if (name === '' || !prefixContains(network, destination)) continue
      const before = granted.get(name)
      granted.set(name, before === undefined ? values : joined(before, values))
    }
  }
  return granted.size === 0 ? null : Object.fromEntries(granted)
}

function joined(
  before: readonly RawJson[] | null,
  values: readonly RawJson[] | null,
): readonly RawJson[] | null {
  if (values === null || values.length === 0) return before
  return [...(before ?? []), ...values]
}
