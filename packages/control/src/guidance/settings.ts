// SPDX-License-Identifier: Apache-2.0

/**
 * What may change while the server runs: a new value replaces the old one whole, and whoever listens looks again.
 *
 * @module
 */

import type { Policy } from '../policy/policy.ts'
import type { DnsSettings } from './dns.ts'

/** What the guidance of all nodes follows from, besides the tailnet itself. */
export interface GuidanceSettings {
  readonly dns: DnsSettings
  /** Without one every node may reach every other. */
  readonly policy: Policy | null
  /** Attributes of every node. */
  readonly nodeAttributes: readonly string[]
  /** The newest release of the client, as in 1.102.3; null when that is not known here. */
  readonly latestClient: string | null
}

/** Settings that can be replaced. */
export interface LiveSettings {
  readonly current: () => GuidanceSettings
  readonly replace: (next: GuidanceSettings) => void
  /** Calls back after each replacement. */
  readonly onChange: (listener: () => void) => void
}

/** Starts with these settings. */
export function createLiveSettings(first: GuidanceSettings): LiveSettings {
  let settings = first
  const listeners: (() => void)[] = []
  return {
    current: () => settings,
    replace(next) {
      settings = next
      for (const listener of listeners) listener()
    },
    onChange: (listener) => void listeners.push(listener),
  }
}
