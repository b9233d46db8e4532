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

/** What a full message says beside the records of nodes. */
export interface FullOptions {
  readonly lock: string | null
  readonly now: number
  /** The map of relays, as JSON. */
  readonly relays: string
  readonly guidance: Guidance
}

/** Everything about the tailnet, as seen by one node. */
export function composeFull(
  tailnet: Tailnet,
  viewer: TailnetNode,
  options: FullOptions & { readonly peers: boolean },
): string {
  const head = composeHead(tailnet, viewer, options, options.peers)
  if (!options.peers) return `{${head}}`
  const peers: string[] = []
  for (const [id, node] of tailnet.nodes) {
    if (id !== viewer.row.id) peers.push(peerJson(tailnet, node))
  }
  return `{${head},"Peers":[${peers.join(',')}]}`
}

/** The members of a full message but for the peers. */
export function composeHead(
  tailnet: Tailnet,
  viewer: TailnetNode,
  options: FullOptions,
  hasPeers = true,
): string {
  // Also users without nodes: a profile that comes later is not shown by clients before they build all anew.
  const users = hasPeers ? [...tailnet.users.keys(), TAGGED_DEVICES_ID] : [ownerOf(viewer)]
  const profiles = users.flatMap((id) => profileJson(tailnet, id) ?? [])
  const parts = [
    `"Node":${selfJson(tailnet, viewer, options.guidance.attributes)}`,
    `"DERPMap":${options.relays}`,
    `"Domain":${JSON.stringify(tailnet.row.name)}`,
    '"CollectServices":false',
    ...guidanceParts(null, options.guidance),
    `"ControlTime":"${wireTime(options.now)}"`,
    '"Debug":{"DisableLogTail":true}',
    `"UserProfiles":[${profiles.join(',')}]`,
  ]
  if (options.lock !== null) parts.push(`"TKAInfo":${options.lock}`)
  return parts.join(',')
}

function ownerOf({ row }: TailnetNode): number {
  return row.tags.length > 0 ? TAGGED_DEVICES_ID : row.userId
}
