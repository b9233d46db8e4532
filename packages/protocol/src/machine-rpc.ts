// SPDX-License-Identifier: Apache-2.0

/**
 * The smaller requests that nodes send under /machine, and the answer to `GET /key`.
 *
 * @module
 */

import type { ChallengePublic, MachinePublic, NodePublic } from '@signet/keys'
import { anyJson, bool, int, type JsonValue, text, time } from './codecs.ts'
import { challengeKey, machineKey, nodeKey } from './key-codecs.ts'
import { always, type Codec, omitZero, struct, textMap, type TextMap } from './schema.ts'
import type { WireTime } from './wire-time.ts'

/** Answer to `GET /key?v=N`, outside the encrypted connection. */
export interface OverTLSPublicKeyResponse {
  readonly legacyPublicKey: MachinePublic
  readonly publicKey: MachinePublic
}

/** Codec of {@link OverTLSPublicKeyResponse}. */
export const overTlsPublicKeyResponse: Codec<OverTLSPublicKeyResponse> =
  struct<OverTLSPublicKeyResponse>({
    legacyPublicKey: always(machineKey),
    publicKey: always(machineKey),
  })

/** What a server may say before HTTP/2 starts. */
export interface EarlyNoise {
  readonly nodeKeyChallenge: ChallengePublic
}

/** Codec of {@link EarlyNoise}. */
export const earlyNoise: Codec<EarlyNoise> = struct<EarlyNoise>({
  nodeKeyChallenge: always(challengeKey),
})

/** `set-dns`: publish a record, for certificates. */
export interface SetDNSRequest {
  readonly Version: number
  readonly NodeKey: NodePublic
  readonly Name: string
  readonly Type: string
  readonly Value: string
}

/** Codec of {@link SetDNSRequest}. Its answer is an empty object. */
export const setDnsRequest: Codec<SetDNSRequest> = struct<SetDNSRequest>({
  Version: always(int),
  NodeKey: always(nodeKey),
  Name: always(text),
  Type: always(text),
  Value: always(text),
})

/** `id-token`: ask for a token that names the node. */
export interface TokenRequest {
  readonly CapVersion: number
  readonly NodeKey: NodePublic
  readonly Audience: string
}

/** Codec of {@link TokenRequest}. */
export const tokenRequest: Codec<TokenRequest> = struct<TokenRequest>({
  CapVersion: always(int),
  NodeKey: always(nodeKey),
  Audience: always(text),
})

/** Answer to `id-token`. */
export interface TokenResponse {
  readonly id_token: string
}

/** Codec of {@link TokenResponse}. */
export const tokenResponse: Codec<TokenResponse> = struct<TokenResponse>({ id_token: always(text) })

/** `feature/query`: may this node use a feature. */
export interface QueryFeatureRequest {
  readonly Feature?: string | undefined
  readonly NodeKey?: NodePublic | undefined
}

/** Codec of {@link QueryFeatureRequest}. */
export const queryFeatureRequest: Codec<QueryFeatureRequest> = struct<QueryFeatureRequest>({
  Feature: omitZero(text),
  NodeKey: omitZero(nodeKey),
})

/** Answer to `feature/query`. */
export interface QueryFeatureResponse {
  readonly Complete?: boolean | undefined
  readonly Text?: string | undefined
  readonly URL?: string | undefined
  readonly ShouldWait?: boolean | undefined
}

/** Codec of {@link QueryFeatureResponse}. */
export const queryFeatureResponse: Codec<QueryFeatureResponse> = struct<QueryFeatureResponse>({
  Complete: omitZero(bool),
  Text: omitZero(text),
  URL: omitZero(text),
  ShouldWait: omitZero(bool),
})

/** Answer to `webclient/init` and `webclient/wait`. */
export interface WebClientAuthResponse {
  readonly ID?: string | undefined
  readonly URL?: string | undefined
  readonly Complete?: boolean | undefined
}

/** Codec of {@link WebClientAuthResponse}. */
export const webClientAuthResponse: Codec<WebClientAuthResponse> = struct<WebClientAuthResponse>({
  ID: omitZero(text),
  URL: omitZero(text),
  Complete: omitZero(bool),
})

/** `audit-log`: a user did something that the owners want to know. */
export interface AuditLogRequest {
  readonly Version?: number | undefined
  readonly NodeKey?: NodePublic | undefined
  readonly Action?: string | undefined
  readonly Details?: string | undefined
  readonly Timestamp?: WireTime | undefined
}

/** Codec of {@link AuditLogRequest}. */
export const auditLogRequest: Codec<AuditLogRequest> = struct<AuditLogRequest>({
  Version: omitZero(int),
  NodeKey: omitZero(nodeKey),
  Action: omitZero(text),
  Details: omitZero(text),
  Timestamp: omitZero(time),
})

/** `set-device-attr`: attributes of the device; `null` deletes one. */
export interface SetDeviceAttributesRequest {
  readonly Version: number
  readonly NodeKey: NodePublic
  readonly Update: TextMap<JsonValue> | null
}

/** Codec of {@link SetDeviceAttributesRequest}. */
export const setDeviceAttributesRequest: Codec<SetDeviceAttributesRequest> =
  struct<SetDeviceAttributesRequest>({
    Version: always(int),
    NodeKey: always(nodeKey),
    Update: always(textMap(anyJson)),
  })

/** `update-health`: a subsystem is unwell, or well again. */
export interface HealthChangeRequest {
  readonly Subsys: string
  readonly Error: string
  readonly NodeKey: NodePublic
}

/** Codec of {@link HealthChangeRequest}. */
export const healthChangeRequest: Codec<HealthChangeRequest> = struct<HealthChangeRequest>({
  Subsys: always(text),
  Error: always(text),
  NodeKey: always(nodeKey),
})
