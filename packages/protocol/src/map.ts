// SPDX-License-Identifier: Apache-2.0

/**
 * The network map: `POST /machine/map`, its request and the messages of its stream.
 *
 * @module
 */

import type { DiscoPublic, HardwareAttestationPublic, NodePublic } from '@signet/keys'
import {
  address,
  addressPort,
  bool,
  bytes,
  float,
  int,
  int64,
  optionalBool,
  text,
  time,
} from './codecs.ts'
import { type ControlNode, controlNode, type PeerChange, peerChange } from './control-node.ts'
import { type DERPMap, derpMap } from './derp-map.ts'
import { type DNSConfig, dnsConfig } from './dns.ts'
import { type FilterRule, filterRule } from './filter-rule.ts'
import { type Hostinfo, hostinfo } from './hostinfo.ts'
import { discoKey, hardwareKey, nodeKey } from './key-codecs.ts'
import { type PingRequest, pingRequest } from './ping.ts'
import {
  always,
  type Codec,
  encodeJson,
  intMap,
  type IntMap,
  type JsonInput,
  list,
  omitEmpty,
  omitZero,
  parseJson,
  pointer,
  struct,
  type StructCodec,
  textMap,
  type TextMap,
} from './schema.ts'
import { type SSHPolicy, sshPolicy } from './ssh.ts'
import { type UserProfile, userProfile } from './user.ts'
import type { WireTime } from './wire-time.ts'

/** A node asks for the map, or reports its endpoints, host and lock head. */
export interface MapRequest {
  readonly Version: number
  /** `zstd`, or nothing for plain JSON. */
  readonly Compress?: string | undefined
  readonly KeepAlive?: boolean | undefined
  readonly NodeKey: NodePublic
  readonly DiscoKey: DiscoPublic
  readonly HardwareAttestationKey?: HardwareAttestationPublic | undefined
  readonly HardwareAttestationKeySignature?: Uint8Array | undefined
  readonly HardwareAttestationKeySignatureTimestamp?: WireTime | undefined
  readonly Stream?: boolean | undefined
  readonly Hostinfo: Hostinfo | null
  readonly MapSessionHandle?: string | undefined
  readonly MapSessionSeq?: number | bigint | undefined
  readonly Endpoints?: readonly string[] | undefined
  /** 0 unknown, 1 local, 2 STUN, 3 port-mapped, 4 STUN with local port, 5 explicit. */
  readonly EndpointTypes?: readonly number[] | undefined
  /** Text of the head of the lock's chain on this node, absent while the lock is off there. */
  readonly TKAHead?: string | undefined
  readonly ReadOnly?: boolean | undefined
  readonly OmitPeers?: boolean | undefined
  readonly DebugFlags?: readonly string[] | undefined
  readonly ConnectionHandleForTest?: string | undefined
}

/** Codec of {@link MapRequest}. */
export const mapRequest: Codec<MapRequest> = struct<MapRequest>({
  Version: always(int),
  Compress: omitZero(text),
  KeepAlive: omitZero(bool),
  NodeKey: always(nodeKey),
  DiscoKey: always(discoKey),
  HardwareAttestationKey: omitZero(hardwareKey),
  HardwareAttestationKeySignature: omitEmpty(bytes),
  HardwareAttestationKeySignatureTimestamp: omitZero(time),
  Stream: omitZero(bool),
  Hostinfo: always(pointer(hostinfo)),
  MapSessionHandle: omitZero(text),
  MapSessionSeq: omitZero(int64),
  Endpoints: omitEmpty(list(addressPort)),
  EndpointTypes: omitEmpty(list(int)),
  TKAHead: omitZero(text),
  ReadOnly: omitZero(bool),
  OmitPeers: omitZero(bool),
  DebugFlags: omitEmpty(list(text)),
  ConnectionHandleForTest: omitZero(text),
})

/** The server's word on the lock: its head, or that it is off. */
export interface TKAInfo {
  readonly Head?: string | undefined
  readonly Disabled?: boolean | undefined
}

/** Codec of {@link TKAInfo}. */
export const tkaInfo: Codec<TKAInfo> = struct<TKAInfo>({
  Head: omitEmpty(text),
  Disabled: omitEmpty(bool),
})

/** Orders to the client process. */
export interface Debug {
  readonly SleepSeconds?: number | undefined
  readonly DisableLogTail?: boolean | undefined
  readonly Exit?: number | undefined
}

/** Codec of {@link Debug}. */
export const debug: Codec<Debug> = struct<Debug>({
  SleepSeconds: omitEmpty(float),
  DisableLogTail: omitEmpty(bool),
  Exit: omitEmpty(pointer(int)),
})

/** What the server knows about newer clients. */
export interface ClientVersion {
  readonly RunningLatest?: boolean | undefined
  readonly LatestVersion?: string | undefined
  readonly UrgentSecurityUpdate?: boolean | undefined
  readonly Notify?: boolean | undefined
  readonly NotifyURL?: string | undefined
  readonly NotifyText?: string | undefined
}

/** Codec of {@link ClientVersion}. */
export const clientVersion: Codec<ClientVersion> = struct<ClientVersion>({
  RunningLatest: omitEmpty(bool),
  LatestVersion: omitEmpty(text),
  UrgentSecurityUpdate: omitEmpty(bool),
  Notify: omitEmpty(bool),
  NotifyURL: omitEmpty(text),
  NotifyText: omitEmpty(text),
})

/** One way to reach the control server. */
export interface ControlIPCandidate {
  readonly IP?: string | undefined
  readonly ACEHost?: string | undefined
  readonly DialStartDelaySec?: number | undefined
  readonly DialTimeoutSec?: number | undefined
  readonly Priority?: number | undefined
}

/** Codec of {@link ControlIPCandidate}. */
export const controlIpCandidate: Codec<ControlIPCandidate> = struct<ControlIPCandidate>({
  IP: omitZero(address),
  ACEHost: omitEmpty(text),
  DialStartDelaySec: omitEmpty(float),
  DialTimeoutSec: omitEmpty(float),
  Priority: omitEmpty(int),
})

/** How to reach the control server next time. */
export interface ControlDialPlan {
  readonly Candidates: readonly ControlIPCandidate[] | null
}

/** Codec of {@link ControlDialPlan}. */
export const controlDialPlan: Codec<ControlDialPlan> = struct<ControlDialPlan>({
  Candidates: always(list(controlIpCandidate)),
})

/** A button under a message. */
export interface DisplayMessageAction {
  readonly URL: string
  readonly Label: string
}

/** Codec of {@link DisplayMessageAction}. */
export const displayMessageAction: Codec<DisplayMessageAction> = struct<DisplayMessageAction>({
  URL: always(text),
  Label: always(text),
})

/** A message for the user. */
export interface DisplayMessage {
  readonly Title: string
  readonly Text: string
  /** `high`, `medium` or `low`. */
  readonly Severity: string
  readonly ImpactsConnectivity?: boolean | undefined
  readonly PrimaryAction?: DisplayMessageAction | undefined
}

/** Codec of {@link DisplayMessage}. */
export const displayMessage: Codec<DisplayMessage> = struct<DisplayMessage>({
  Title: always(text),
  Text: always(text),
  Severity: always(text),
  ImpactsConnectivity: omitEmpty(bool),
  PrimaryAction: omitEmpty(pointer(displayMessageAction)),
})

/**
 * One message of a map stream. The first is complete, the following hold what changed. A `null` in
 * a list of nodes or changes is legal on the wire and means nothing.
 */
export interface MapResponse {
  readonly MapSessionHandle?: string | undefined
  readonly Seq?: number | bigint | undefined
  readonly KeepAlive?: boolean | undefined
  readonly PingRequest?: PingRequest | undefined
  readonly PopBrowserURL?: string | undefined
  /** The receiving node itself. */
  readonly Node?: ControlNode | undefined
  readonly DERPMap?: DERPMap | undefined
  /** All peers; an empty list changes nothing. */
  readonly Peers?: readonly (ControlNode | null)[] | undefined
  readonly PeersChanged?: readonly (ControlNode | null)[] | undefined
  readonly PeersRemoved?: readonly number[] | undefined
  readonly PeersChangedPatch?: readonly (PeerChange | null)[] | undefined
  readonly PeerSeenChange?: IntMap<boolean> | undefined
  readonly OnlineChange?: IntMap<boolean> | undefined
  readonly DNSConfig?: DNSConfig | undefined
  readonly Domain?: string | undefined
  readonly CollectServices?: boolean | null | undefined
  /** The filter chunk "base" in its old form. */
  readonly PacketFilter?: readonly FilterRule[] | undefined
  /** Filter chunks by name; `null` deletes one, `*` with `null` deletes all first. */
  readonly PacketFilters?: TextMap<readonly FilterRule[] | null> | undefined
  readonly UserProfiles?: readonly UserProfile[] | undefined
  readonly Health?: readonly string[] | undefined
  readonly DisplayMessages?: TextMap<DisplayMessage | null> | undefined
  readonly SSHPolicy?: SSHPolicy | undefined
  readonly ControlTime?: WireTime | undefined
  readonly TKAInfo?: TKAInfo | undefined
  readonly DomainDataPlaneAuditLogID?: string | undefined
  readonly Debug?: Debug | undefined
  readonly ControlDialPlan?: ControlDialPlan | undefined
  readonly ClientVersion?: ClientVersion | undefined
  readonly DefaultAutoUpdate?: boolean | null | undefined
}

/** Codec of {@link MapResponse}. */
export const mapResponse: StructCodec<MapResponse> = struct<MapResponse>({
  MapSessionHandle: omitEmpty(text),
  Seq: omitEmpty(int64),
  KeepAlive: omitEmpty(bool),
  PingRequest: omitEmpty(pointer(pingRequest)),
  PopBrowserURL: omitEmpty(text),
  Node: omitEmpty(pointer(controlNode)),
  DERPMap: omitEmpty(pointer(derpMap)),
  Peers: omitEmpty(list(pointer(controlNode))),
  PeersChanged: omitEmpty(list(pointer(controlNode))),
  PeersRemoved: omitEmpty(list(int)),
  PeersChangedPatch: omitEmpty(list(pointer(peerChange))),
  PeerSeenChange: omitEmpty(intMap(bool)),
  OnlineChange: omitEmpty(intMap(bool)),
  DNSConfig: omitEmpty(pointer(dnsConfig)),
  Domain: omitEmpty(text),
  CollectServices: omitEmpty(optionalBool),
  PacketFilter: omitEmpty(list(filterRule)),
  PacketFilters: omitEmpty(textMap(list(filterRule))),
  UserProfiles: omitEmpty(list(userProfile)),
  Health: omitEmpty(list(text)),
  DisplayMessages: omitEmpty(textMap(pointer(displayMessage))),
  SSHPolicy: omitEmpty(pointer(sshPolicy)),
  ControlTime: omitEmpty(pointer(time)),
  TKAInfo: omitEmpty(pointer(tkaInfo)),
  DomainDataPlaneAuditLogID: omitEmpty(text),
  Debug: omitEmpty(pointer(debug)),
  ControlDialPlan: omitEmpty(pointer(controlDialPlan)),
  ClientVersion: omitEmpty(pointer(clientVersion)),
  DefaultAutoUpdate: omitEmpty(optionalBool),
})

/** Parses a map request. @throws ProtocolError */
export function parseMapRequest(input: JsonInput): MapRequest {
  return parseJson(mapRequest, input)
}

/** Returns the JSON text of a map request. */
export function encodeMapRequest(value: MapRequest): string {
  return encodeJson(mapRequest, value)
}

/** Parses one message of a map stream. @throws ProtocolError */
export function parseMapResponse(input: JsonInput): MapResponse {
  return parseJson(mapResponse, input)
}

/**
 * Returns the JSON text of one message of a map stream. Members named in `ready` are taken as JSON
 * text as they are, so that what is the same for many viewers is encoded once. An empty list is
 * left out by Go's rules, which is how "block everything" gets lost: send it through
 * `PacketFilters`.
 */
export function encodeMapResponse(
  value: MapResponse,
  ready: Readonly<Partial<Record<keyof MapResponse, string>>> = {},
): string {
  return mapResponse.encodeWith(value, ready)
}

/** Returns the JSON text of one node, for use as part of `ready` in {@link encodeMapResponse}. */
export function encodeControlNode(value: ControlNode): string {
  return encodeJson(controlNode, value)
}
