// SPDX-License-Identifier: Apache-2.0

/**
 * The first message of a session: everything.
 *
 * @module
 */

import { TAGGED_DEVICES_ID } from '../tailnet/users.ts'
import type { TailnetNode } from '../tailnet/node.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { profileJson } from './delta.ts'
import { peerJson, selfJson, wireTime } from './node-json.ts'

/**
 * Every node may reach every other: the filter until there is a policy. Who may be a peer at all is not
 * decided here, but by the lock, on the nodes.
 */
const ALLOW_ALL =
  '{"base":[{"SrcIPs":["*"],"DstPorts":[{"IP":"*","Ports":{"First":0,"Last":65535}}]}]}'

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
  },
): string {
  const domain = JSON.stringify(tailnet.row.domain)
  const parts = [
    `"Node":${selfJson(tailnet, viewer)}`,
    `"DERPMap":${options.relays}`,
    `"DNSConfig":{"Proxied":true,"Domains":[${domain}],"Routes":{${domain}:[]}}`,
    `"Domain":${JSON.stringify(tailnet.row.name)}`,
    '"CollectServices":false',
    `"PacketFilters":${ALLOW_ALL}`,
    '"SSHPolicy":{"rules":[]}',
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
