// SPDX-License-Identifier: Apache-2.0

/**
 * The node's status in the official shape. Peers are those that the gate let in; those that it
 * refused are in the lock's status, with reasons.
 *
 * @module
 */

import { nodePublicOf, zeroNodePublic } from '@signet/keys'
import { wireTime, type ControlNode, type UserProfile } from '@signet/protocol'
import {
  nodeStatus,
  peerStatus,
  type NodeStatus,
  type PeerStatus,
  type StatusUser,
} from '@signet/protocol/local-api'
import type { Netmap } from '../control/netmap.ts'
import { nodeVersion } from '../control/hostinfo.ts'
import type { AdmittedPeer } from '../lock/gate.ts'
import type { NodeParts } from '../parts.ts'
import { healthMessages } from './health.ts'

/** Returns the status; `withPeers` false leaves out the longest part. */
export function statusOf(parts: NodeParts, withPeers: boolean): NodeStatus {
  const { backend, stateFile, runner } = parts
  const netmap = backend.netmap()
  const { nodeKey } = stateFile.get()
  const self = netmap?.self
  return nodeStatus({
    Version: nodeVersion,
    BackendState: backend.state(),
    ...(nodeKey && { HaveNodeKey: true }),
    AuthURL: backend.authUrl(),
    TailscaleIPs: self ? addressesOf(self) : null,
    Self: selfStatus(parts, self ?? null),
    Health: healthMessages(parts),
    MagicDNSSuffix: netmap ? suffixOf(netmap) : '',
    CurrentTailnet: netmap && {
      Name: netmap.domain,
      MagicDNSSuffix: suffixOf(netmap),
      MagicDNSEnabled: netmap.dns.Proxied ?? false,
    },
    Peer: withPeers && netmap ? peersOf(parts, netmap, runner.result()?.admitted ?? []) : null,
    User: netmap && usersOf(netmap),
  })
}

/** The text after the first label of this node's name. */
export function suffixOf(netmap: Netmap): string {
  const name = netmap.self?.Name ?? ''
  return name.slice(name.indexOf('.') + 1).replace(/\.$/, '')
}

/** Addresses of a node without prefix lengths, in the order of the map. */
export function addressesOf(node: ControlNode): readonly string[] {
  return (node.Addresses ?? []).map((prefix) => prefix.split('/', 1)[0] ?? '')
}

function selfStatus({ stateFile, engine }: NodeParts, self: ControlNode | null): PeerStatus {
  const { nodeKey } = stateFile.get()
  const key = nodeKey ? nodePublicOf(nodeKey) : zeroNodePublic
  if (self === null) return peerStatus({ PublicKey: key })
  return {
    ...described(self),
    PublicKey: key,
    Addrs: engine.endpoints(),
    Relay: engine.relayName(engine.network().PreferredDERP ?? 0)?.code ?? '',
    Online: self.Online ?? true,
    InNetworkMap: true,
  }
}

function peersOf(
  { engine }: NodeParts,
  netmap: Netmap,
  admitted: readonly AdmittedPeer[],
): Record<string, PeerStatus> {
  const nodes = new Map(netmap.peers.map((node) => [node.Key, node]))
  const out: Record<string, PeerStatus> = {}
  for (const { nodeKey, allowedIps } of admitted) {
    const node = nodes.get(nodeKey)
    if (node === undefined) continue
    const stats = engine.stats(nodeKey)
    const handshake = stats?.lastHandshake ?? null
    out[nodeKey] = {
      ...described(node),
      AllowedIPs: allowedIps,
      CurAddr: stats?.hasSession ? stats.direct : '',
      Relay: engine.relayName(node.HomeDERP ?? 0)?.code ?? '',
      RxBytes: stats?.rxBytes ?? 0,
      TxBytes: stats?.txBytes ?? 0,
      ...(handshake !== null && { LastHandshake: wireTime(Math.floor(handshake)) }),
      Active: stats?.hasSession ?? false,
      InNetworkMap: true,
      InMagicSock: true,
      InEngine: stats !== undefined,
    }
  }
  return out
}

function described(node: ControlNode): PeerStatus {
  return peerStatus({
    ID: node.StableID,
    NodeID: node.ID,
    PublicKey: node.Key,
    HostName: node.Hostinfo?.Hostname ?? '',
    DNSName: node.Name,
    OS: node.Hostinfo?.OS ?? '',
    UserID: node.User,
    TailscaleIPs: addressesOf(node),
    ...(node.Tags && { Tags: node.Tags }),
    ...(node.PrimaryRoutes && { PrimaryRoutes: node.PrimaryRoutes }),
    Addrs: node.Endpoints ?? null,
    ...(node.Created !== undefined && { Created: node.Created }),
    ...(node.LastSeen !== undefined && { LastSeen: node.LastSeen }),
    Online: node.Online ?? false,
    ...(node.Expired === true && { Expired: true }),
    ...(node.KeyExpiry !== undefined && { KeyExpiry: node.KeyExpiry }),
  })
}

function usersOf(netmap: Netmap): Record<string, StatusUser> {
  const list: readonly UserProfile[] = [...netmap.users.values()]
  return Object.fromEntries(
    list.map(({ ID, LoginName, DisplayName }) => [ID, { ID, LoginName, DisplayName }]),
  )
}
