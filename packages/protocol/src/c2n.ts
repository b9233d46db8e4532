// SPDX-License-Identifier: Apache-2.0

/**
 * Bodies of HTTP requests that the server sends to a node inside a ping, and of the answers.
 *
 * @module
 */

import { address, bool, int, rawJson, type RawJson, text, uint16 } from './codecs.ts'
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

/** `ssh-usernames`: which local users could log in. */
export interface C2NSSHUsernamesRequest {
  readonly Exclude?: TextMap<boolean> | undefined
  readonly Max?: number | undefined
}

/** Codec of {@link C2NSSHUsernamesRequest}. */
export const c2nSshUsernamesRequest: Codec<C2NSSHUsernamesRequest> = struct<C2NSSHUsernamesRequest>(
  {
    Exclude: omitEmpty(textMap(bool)),
    Max: omitEmpty(int),
  },
)

/** Answer to `ssh-usernames`. */
export interface C2NSSHUsernamesResponse {
  readonly Usernames: readonly string[] | null
}

/** Codec of {@link C2NSSHUsernamesResponse}. */
export const c2nSshUsernamesResponse: Codec<C2NSSHUsernamesResponse> =
  struct<C2NSSHUsernamesResponse>({ Usernames: always(list(text)) })

/** Answer to `update`. */
export interface C2NUpdateResponse {
  readonly Err?: string | undefined
  readonly Enabled: boolean
  readonly Supported: boolean
  readonly Started: boolean
}

/** Codec of {@link C2NUpdateResponse}. */
export const c2nUpdateResponse: Codec<C2NUpdateResponse> = struct<C2NUpdateResponse>({
  Err: omitEmpty(text),
  Enabled: always(bool),
  Supported: always(bool),
  Started: always(bool),
})

/** Answer to `posture/identity`. */
export interface C2NPostureIdentityResponse {
  readonly SerialNumbers?: readonly string[] | undefined
  readonly IfaceHardwareAddrs?: readonly string[] | undefined
  readonly PostureDisabled?: boolean | undefined
}

/** Codec of {@link C2NPostureIdentityResponse}. */
export const c2nPostureIdentityResponse: Codec<C2NPostureIdentityResponse> =
  struct<C2NPostureIdentityResponse>({
    SerialNumbers: omitEmpty(list(text)),
    IfaceHardwareAddrs: omitEmpty(list(text)),
    PostureDisabled: omitEmpty(bool),
  })

/** Answer to `tls-cert-status`. */
export interface C2NTLSCertInfo {
  readonly Valid?: boolean | undefined
  readonly Error?: string | undefined
  readonly Missing?: boolean | undefined
  readonly Expired?: boolean | undefined
  readonly NotBefore?: string | undefined
  readonly NotAfter?: string | undefined
}

/** Codec of {@link C2NTLSCertInfo}. */
export const c2nTlsCertInfo: Codec<C2NTLSCertInfo> = struct<C2NTLSCertInfo>({
  Valid: omitEmpty(bool),
  Error: omitEmpty(text),
  Missing: omitEmpty(bool),
  Expired: omitEmpty(bool),
  NotBefore: omitEmpty(text),
  NotAfter: omitEmpty(text),
})

/** A service that several nodes may host. Ports are texts such as `tcp:443` or `udp:1-99`. */
export interface VIPService {
  readonly Name: string
  readonly Ports: readonly string[] | null
  readonly Active: boolean
}

/** Codec of {@link VIPService}. */
export const vipService: Codec<VIPService> = struct<VIPService>({
  Name: always(text),
  Ports: always(list(text)),
  Active: always(bool),
})

/** Answer to `vip-services`. */
export interface C2NVIPServicesResponse {
  readonly VIPServices?: readonly (VIPService | null)[] | undefined
  readonly ServicesHash: string
}

/** Codec of {@link C2NVIPServicesResponse}. */
export const c2nVipServicesResponse: Codec<C2NVIPServicesResponse> = struct<C2NVIPServicesResponse>(
  {
    VIPServices: omitEmpty(list(pointer(vipService))),
    ServicesHash: always(text),
  },
)

/** What a user can do with a service. */
export interface ServiceAction {
  readonly Type: string
  readonly Port: number
  readonly DisplayName?: string | undefined
  readonly Attributes?: TextMap<RawJson> | undefined
}

/** Codec of {@link ServiceAction}. */
export const serviceAction: Codec<ServiceAction> = struct<ServiceAction>({
  Type: always(text),
  Port: always(uint16),
  DisplayName: omitZero(text),
  Attributes: omitZero(textMap(rawJson)),
})

/** A service as shown to users. */
export interface ServiceDetails {
  readonly Name: string
  readonly DisplayName?: string | undefined
  readonly Addrs?: readonly string[] | undefined
  readonly Ports?: readonly string[] | undefined
  readonly Actions?: readonly ServiceAction[] | undefined
}

/** Codec of {@link ServiceDetails}. */
export const serviceDetails: Codec<ServiceDetails> = struct<ServiceDetails>({
  Name: always(text),
  DisplayName: omitZero(text),
  Addrs: omitEmpty(list(address)),
  Ports: omitEmpty(list(text)),
  Actions: omitZero(list(serviceAction)),
})
