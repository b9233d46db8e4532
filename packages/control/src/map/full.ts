// SPDX-License-Identifier: Apache-2.0

/**
 * The first message of a session: everything.
 *
 * @module
 */

import { guidanceParts } from '../guidance/guidance.ts'
import type { Guidance } from '../guidance/guidance.ts'
import { TAGGED_DEVICES_ID } from '../tailnet/users.ts'
import type { TailnetNode } from '../tailnet/node.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { profileJson } from './delta.ts'
import { peerJson, selfJson, wireTime } from './node-json.ts'

/** Everything about the tailnet, as seen by one node. */
export function composeFull(
  tailnet: Tailnet,
  viewer: TailnetNode,
  options: {
    readonly lock: string | null
    readonly now: number
    readonly peers: boolean
    /** The map of relays, as JSON. */
    readonly relays: string
    readonly guidance: Guidance
  },
): string {
  const parts = [
    `"Node":${selfJson(tailnet, viewer, options.guidance.attributes)}`,
    `"DERPMap":${options.relays}`,
    `"Domain":${JSON.stringify(tailnet.row.name)}`,
    '"CollectServices":false',
    ...guidanceParts(null, options.guidance),
    `"ControlTime":"${wireTime(options.now)}"`,
    '"Debug":{"DisableLogTail":true}',
  ]
  const owners = new Set<number>([
    viewer.row.tags.length > 0 ? TAGGED_DEVICES_ID : viewer.row.userId,
  ])
  if (options.peers) {
    const peers: string[] = []
    for (const [id, node] of tailnet.nodes) {
      if (id === viewer.row.id) continue
      peers.push(peerJson(tailnet, node))
      owners.add(node.row.tags.length > 0 ? TAGGED_DEVICES_ID : node.row.userId)
    }
    parts.push(`"Peers":[${peers.join(',')}]`)
  }
  const profiles = [...owners].flatMap((id) => profileJson(tailnet, id) ?? [])
  parts.push(`"UserProfiles":[${profiles.join(',')}]`)
  if (options.lock !== null) parts.push(`"TKAInfo":${options.lock}`)
  return `{${parts.join(',')}}`
}
