// SPDX-License-Identifier: Apache-2.0

/**
 * Local API: the node's status, as `GET /localapi/v0/status` answers it (Go: ipnstate.Status).
 *
 * @module
 */

import { bool, int, rawJson, text, time, type RawJson } from './codecs.ts'
import {
  always,
  encodeJson,
  list,
  omitEmpty,
  parseJson,
  pointer,
  struct,
  textMap,
  type Codec,
  type JsonInput,
  type TextMap,
} from './schema.ts'
import { NO_TIME, type WireTime } from './wire-time.ts'

/** What a node is doing, in the words of the official client. */
export const BackendState = {
  NoState: 'NoState',
  InUseOtherUser: 'InUseOtherUser',
  NeedsLogin: 'NeedsLogin',
  NeedsMachineAuth: 'NeedsMachineAuth',
  Stopped: 'Stopped',
  Starting: 'Starting',
  Running: 'Running',
} as const
export type BackendState = (typeof BackendState)[keyof typeof BackendState]

/** The states in the order of their numbers on the notification bus. */
export const backendStates: readonly BackendState[] = Object.values(BackendState)

/** One node of the tailnet, this one or a peer. */
export interface PeerStatus {
  readonly ID: string
  readonly NodeID: number
  readonly PublicKey: string
  readonly HostName: string
  /** With a dot at the end. */
  readonly DNSName: string
  readonly OS: string
  readonly UserID: number
  readonly TailscaleIPs: readonly string[] | null
  readonly AllowedIPs?: readonly string[]
  readonly Tags?: readonly string[]
  readonly PrimaryRoutes?: readonly string[]
  readonly Addrs: readonly string[] | null
  /** The address in use, '' when there is no direct path. */
  readonly CurAddr: string
  readonly Relay: string
  readonly PeerRelay: string
  readonly RxBytes: number
  readonly TxBytes: number
  readonly Created: WireTime
  readonly LastWrite: WireTime
  readonly LastSeen: WireTime
  readonly LastHandshake: WireTime
  readonly Online: boolean
  readonly ExitNode: boolean
  readonly ExitNodeOption: boolean
  readonly Active: boolean
  readonly PeerAPIURL: readonly string[] | null
  readonly TaildropTarget: number
  readonly NoFileSharingReason: string
  readonly Capabilities?: readonly string[]
  readonly CapMap?: TextMap<RawJson>
  readonly ShareeNode?: boolean
  readonly InNetworkMap: boolean
  readonly InMagicSock: boolean
  readonly InEngine: boolean
  readonly Expired?: boolean
  readonly KeyExpiry?: WireTime
}

/** The network that the node belongs to. */
export interface TailnetStatus {
  readonly Name: string
  readonly MagicDNSSuffix: string
  readonly MagicDNSEnabled: boolean
}

/** A user whom {@link PeerStatus.UserID} may name. */
export interface StatusUser {
  readonly ID: number
  readonly LoginName: string
  readonly DisplayName: string
  readonly ProfilePicURL?: string
}

/** The whole status of a node. */
export interface NodeStatus {
  readonly Version: string
  readonly TUN: boolean
  readonly BackendState: string
  readonly HaveNodeKey?: boolean
  readonly AuthURL: string
  readonly TailscaleIPs: readonly string[] | null
  readonly Self: PeerStatus | null
  readonly Health: readonly string[] | null
  readonly MagicDNSSuffix: string
  readonly CurrentTailnet: TailnetStatus | null
  readonly CertDomains: readonly string[] | null
  readonly ExtraRecords: readonly RawJson[] | null
  /** By node key text. */
  readonly Peer: TextMap<PeerStatus> | null
  /** By user number. */
  readonly User: TextMap<StatusUser> | null
  readonly ClientVersion: RawJson
}

const peer: Codec<PeerStatus> = struct<PeerStatus>({
  ID: always(text),
  NodeID: always(int),
  PublicKey: always(text),
  HostName: always(text),
  DNSName: always(text),
  OS: always(text),
  UserID: always(int),
  TailscaleIPs: always(list(text)),
  AllowedIPs: omitEmpty(list(text)),
  Tags: omitEmpty(list(text)),
  PrimaryRoutes: omitEmpty(list(text)),
  Addrs: always(list(text)),
  CurAddr: always(text),
  Relay: always(text),
  PeerRelay: always(text),
  RxBytes: always(int),
  TxBytes: always(int),
  Created: always(time),
  LastWrite: always(time),
  LastSeen: always(time),
  LastHandshake: always(time),
  Online: always(bool),
  ExitNode: always(bool),
  ExitNodeOption: always(bool),
  Active: always(bool),
  PeerAPIURL: always(list(text)),
  TaildropTarget: always(int),
  NoFileSharingReason: always(text),
  Capabilities: omitEmpty(list(text)),
  CapMap: omitEmpty(textMap(rawJson)),
  ShareeNode: omitEmpty(bool),
  InNetworkMap: always(bool),
  InMagicSock: always(bool),
  InEngine: always(bool),
  Expired: omitEmpty(bool),
  KeyExpiry: omitEmpty(pointer(time)),
})

const status: Codec<NodeStatus> = struct<NodeStatus>({
  Version: always(text),
  TUN: always(bool),
  BackendState: always(text),
  HaveNodeKey: omitEmpty(bool),
  AuthURL: always(text),
  TailscaleIPs: always(list(text)),
  Self: always(pointer(peer)),
  Health: always(list(text)),
  MagicDNSSuffix: always(text),
  CurrentTailnet: always(
    pointer(
      struct<TailnetStatus>({
        Name: always(text),
        MagicDNSSuffix: always(text),
        MagicDNSEnabled: always(bool),
      }),
    ),
  ),
  CertDomains: always(list(text)),
  ExtraRecords: always(list(rawJson)),
  Peer: always(textMap(peer)),
  User: always(
    textMap(
      struct<StatusUser>({
        ID: always(int),
        LoginName: always(text),
        DisplayName: always(text),
        ProfilePicURL: omitEmpty(text),
      }),
    ),
  ),
  ClientVersion: always(rawJson),
})

/** Returns the JSON of a status. */
export function encodeNodeStatus(value: NodeStatus): string {
  return encodeJson(status, value)
}

/** Reads a status. @throws ProtocolError */
export function parseNodeStatus(input: JsonInput): NodeStatus {
  return parseJson(status, input)
}

/** Returns a peer status in which nothing is known but what `known` says. */
export function peerStatus(
  known: Partial<PeerStatus> & { readonly PublicKey: string },
): PeerStatus {
  return { ...peer.zero, ...known }
}

/** Returns a status in which nothing is known but what `known` says. */
export function nodeStatus(known: Partial<NodeStatus>): NodeStatus {
  return { ...status.zero, BackendState: BackendState.NoState, ...known }
}

/** Whether a time of a status says "never". */
export function isNever(value: WireTime): boolean {
  return value === NO_TIME
}
