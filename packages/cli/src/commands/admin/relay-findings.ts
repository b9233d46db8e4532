// SPDX-License-Identifier: Apache-2.0

/**
 * What is likely to hurt about relays.
 *
 * @module
 */

import type { AdminRelay } from '@signet/protocol/admin-api'
import type { Finding } from './doctor.ts'

/** Looks at relays. */
export function relayFindings(relay: AdminRelay): Finding[] {
  const findings: Finding[] = []
  if (relay.enabled && relay.region === null) {
    findings.push({
      level: 'note',
      text: 'nodes are not told of this relay: they would have to speak plain HTTP to it',
      advice: 'Set "url" to the https:// address under which nodes reach this server.',
    })
  }
  for (const { url, state, problem } of relay.mesh ?? []) {
    if (state !== 'waiting') continue
    findings.push({
      level: 'warning',
      text: `not linked to the relay ${url}: ${problem ?? 'unknown'}`,
      advice: 'Look whether it runs, and whether both have the same mesh key.',
    })
  }
  for (const { source, problem, regions } of relay.maps ?? []) {
    if (problem === null) continue
    const use = regions === 0 ? 'there is none' : 'an older one is in use'
    findings.push({
      level: 'warning',
      text: `the map of relays from ${source} is not used (${use}): ${problem}`,
      advice: 'Correct the map; it is read again by itself.',
    })
  }
  return findings
}
