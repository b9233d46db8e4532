// SPDX-License-Identifier: Apache-2.0

/**
 * What two servers have told the same viewer, compared part by part and node by node.
 *
 * @module
 */

import { differences } from './compare.ts'
import type { Difference } from './compare.ts'
import type { NetmapState } from './netmap-state.ts'
import { array, showText } from './transcript.ts'
import type { JsonObject } from './transcript.ts'

/** A difference, and the machine that it is about. */
export interface About extends Difference {
  readonly machine?: string
  /** Whether the node has tags here. */
  readonly aboutTagged?: boolean
}

/** Compares two states of one viewer. What the recording does not know is not compared. */
export function stateDifferences(what: string, recorded: NetmapState, live: NetmapState): About[] {
  const found: About[] = []
  const about = (node: JsonObject | null | undefined, list: readonly Difference[]): void => {
    const machine = showText(node?.['Machine'])
    const aboutTagged = array(node?.['Tags']).length > 0
    for (const difference of list) found.push({ ...difference, machine, aboutTagged })
  }
  if (recorded.node !== null) {
    about(live.node, differences(`${what}.Node`, recorded.node, live.node ?? undefined))
  }
  for (const [name, value] of Object.entries(recorded.parts)) {
    found.push(...differences(`${what}.${name}`, value, live.parts[name]))
  }
  if (recorded.isFromStart) {
    for (const [name, value] of Object.entries(live.parts)) {
      if (recorded.parts[name] === undefined) {
        found.push({ path: `${what}.${name}`, recorded: undefined, live: value })
      }
    }
  }
  for (const [id, peer] of recorded.peers) {
    const ours = live.peers.get(id)
    if (ours === undefined) {
      found.push({ path: `${what}.Peers.*`, recorded: peer, live: undefined })
      continue
    }
    const isKnown = typeof peer['Key'] === 'string' && peer['ID'] !== undefined
    about(ours, differences(`${what}.Peers.*`, peer, isKnown ? ours : onlyNamed(peer, ours)))
  }
  if (recorded.isWhole) {
    for (const [id, peer] of live.peers) {
      if (!recorded.peers.has(id)) {
        found.push({ path: `${what}.Peers.*`, recorded: undefined, live: peer })
      }
    }
  }
  for (const [id, profile] of recorded.profiles) {
    found.push(...differences(`${what}.UserProfiles.*`, profile, live.profiles.get(id)))
  }
  return found
}

function onlyNamed(names: JsonObject, value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name in names))
}
