// SPDX-License-Identifier: Apache-2.0

/**
 * What a node says about its host: Hostinfo and its parts.
 *
 * @module
 */

import { bool, float, int, optionalBool, prefix, text, uint16, uint64 } from './codecs.ts'
import {
  always,
  type Codec,
  list,
  omitEmpty,
  omitZero,
  pointer,
  struct,
  textMap,
  type TextMap,
} from './schema.ts'

/** A service that the host offers, such as the peer API. */
export interface Service {
  /** `tcp`, `udp`, `peerapi4`, `peerapi6`, `peerapi-dns-proxy`. */
  readonly Proto: string
  readonly Port: number
  readonly Description?: string | undefined
}

/** Codec of {@link Service}. */
export const service: Codec<Service> = struct<Service>({
  Proto: always(text),
  Port: always(uint16),
  Description: omitEmpty(text),
})

/** What the node found out about its network. */
export interface NetInfo {
  readonly MappingVariesByDestIP?: boolean | null | undefined
  readonly WorkingIPv6?: boolean | null | undefined
  readonly OSHasIPv6?: boolean | null | undefined
  readonly WorkingUDP?: boolean | null | undefined
  readonly WorkingICMPv4?: boolean | null | undefined
  readonly HavePortMap?: boolean | undefined
  readonly UPnP?: boolean | null | undefined
  readonly PMP?: boolean | null | undefined
  readonly PCP?: boolean | null | undefined
  /** The relay region where the node can be reached; 0 while unknown. */
  readonly PreferredDERP?: number | undefined
  readonly LinkType?: string | undefined
  readonly DERPLatency?: TextMap<number> | undefined
  readonly FirewallMode?: string | undefined
}

/** Codec of {@link NetInfo}. */
export const netInfo: Codec<NetInfo> = struct<NetInfo>({
  MappingVariesByDestIP: omitZero(optionalBool),
  WorkingIPv6: omitZero(optionalBool),
  OSHasIPv6: omitZero(optionalBool),
  WorkingUDP: omitZero(optionalBool),
  WorkingICMPv4: omitZero(optionalBool),
  HavePortMap: omitZero(bool),
  UPnP: omitZero(optionalBool),
  PMP: omitZero(optionalBool),
  PCP: omitZero(optionalBool),
  PreferredDERP: omitZero(int),
  LinkType: omitZero(text),
  DERPLatency: omitEmpty(textMap(float)),
  FirewallMode: omitZero(text),
})

/** Where the host is, if its owner says so. */
export interface Location {
  readonly Country?: string | undefined
  readonly CountryCode?: string | undefined
  readonly City?: string | undefined
  readonly CityCode?: string | undefined
  readonly Latitude?: number | undefined
  readonly Longitude?: number | undefined
  readonly Priority?: number | undefined
}

/** Codec of {@link Location}. */
export const location: Codec<Location> = struct<Location>({
  Country: omitEmpty(text),
  CountryCode: omitEmpty(text),
  City: omitEmpty(text),
  CityCode: omitEmpty(text),
  Latitude: omitEmpty(float),
  Longitude: omitEmpty(float),
  Priority: omitEmpty(int),
})

/** The host's TPM. */
export interface TPMInfo {
  readonly Manufacturer?: string | undefined
  readonly Vendor?: string | undefined
  readonly Model?: number | undefined
  readonly FirmwareVersion?: number | bigint | undefined
  readonly SpecRevision?: number | undefined
  readonly FamilyIndicator?: string | undefined
}

/** Codec of {@link TPMInfo}. */
export const tpmInfo: Codec<TPMInfo> = struct<TPMInfo>({
  Manufacturer: omitZero(text),
  Vendor: omitZero(text),
  Model: omitZero(int),
  FirmwareVersion: omitZero(uint64),
  SpecRevision: omitZero(int),
  FamilyIndicator: omitZero(text),
})

/** What a node says about its host, in register and map requests and inside each Node. */
export interface Hostinfo {
  readonly IPNVersion?: string | undefined
  readonly FrontendLogID?: string | undefined
  readonly BackendLogID?: string | undefined
  readonly OS?: string | undefined
  readonly OSVersion?: string | undefined
  readonly Container?: boolean | null | undefined
  readonly Env?: string | undefined
  readonly Distro?: string | undefined
  readonly DistroVersion?: string | undefined
  readonly DistroCodeName?: string | undefined
  readonly App?: string | undefined
  readonly Desktop?: boolean | null | undefined
  readonly Package?: string | undefined
  readonly DeviceModel?: string | undefined
  readonly PushDeviceToken?: string | undefined
  readonly Hostname?: string | undefined
  readonly ShieldsUp?: boolean | undefined
  readonly ShareeNode?: boolean | undefined
  readonly NoLogsNoSupport?: boolean | undefined
  readonly RemoteConfig?: boolean | undefined
  readonly WireIngress?: boolean | undefined
  readonly IngressEnabled?: boolean | undefined
  readonly AllowsUpdate?: boolean | undefined
  readonly Machine?: string | undefined
  readonly GoArch?: string | undefined
  readonly GoArchVar?: string | undefined
  readonly GoVersion?: string | undefined
  readonly RoutableIPs?: readonly string[] | undefined
  readonly RequestTags?: readonly string[] | undefined
  readonly WoLMACs?: readonly string[] | undefined
  readonly Services?: readonly Service[] | undefined
  readonly NetInfo?: NetInfo | undefined
  readonly sshHostKeys?: readonly string[] | undefined
  readonly Cloud?: string | undefined
  readonly Userspace?: boolean | null | undefined
  readonly UserspaceRouter?: boolean | null | undefined
  readonly AppConnector?: boolean | null | undefined
  readonly ServicesHash?: string | undefined
  readonly PeerRelay?: boolean | undefined
  readonly ExitNodeID?: string | undefined
  readonly Location?: Location | undefined
  readonly TPM?: TPMInfo | undefined
  readonly StateEncrypted?: boolean | null | undefined
}

/** Codec of {@link Hostinfo}. */
export const hostinfo: Codec<Hostinfo> = struct<Hostinfo>({
  IPNVersion: omitZero(text),
  FrontendLogID: omitZero(text),
  BackendLogID: omitZero(text),
  OS: omitZero(text),
  OSVersion: omitZero(text),
  Container: omitZero(optionalBool),
  Env: omitZero(text),
  Distro: omitZero(text),
  DistroVersion: omitZero(text),
  DistroCodeName: omitZero(text),
  App: omitZero(text),
  Desktop: omitZero(optionalBool),
  Package: omitZero(text),
  DeviceModel: omitZero(text),
  PushDeviceToken: omitZero(text),
  Hostname: omitZero(text),
  ShieldsUp: omitZero(bool),
  ShareeNode: omitZero(bool),
  NoLogsNoSupport: omitZero(bool),
  RemoteConfig: omitZero(bool),
  WireIngress: omitZero(bool),
  IngressEnabled: omitZero(bool),
  AllowsUpdate: omitZero(bool),
  Machine: omitZero(text),
  GoArch: omitZero(text),
  GoArchVar: omitZero(text),
  GoVersion: omitZero(text),
  RoutableIPs: omitEmpty(list(prefix)),
  RequestTags: omitEmpty(list(text)),
  WoLMACs: omitEmpty(list(text)),
  Services: omitEmpty(list(service)),
  NetInfo: omitZero(pointer(netInfo)),
  sshHostKeys: omitEmpty(list(text)),
  Cloud: omitZero(text),
  Userspace: omitZero(optionalBool),
  UserspaceRouter: omitZero(optionalBool),
  AppConnector: omitZero(optionalBool),
  ServicesHash: omitZero(text),
  PeerRelay: omitZero(bool),
  ExitNodeID: omitZero(text),
  Location: omitZero(pointer(location)),
  TPM: omitZero(pointer(tpmInfo)),
  StateEncrypted: omitZero(optionalBool),
})
