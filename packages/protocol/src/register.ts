// SPDX-License-Identifier: Apache-2.0

/**
 * Registration of a node: `POST /machine/register`.
 *
 * @module
 */

import type { LockPublic, NodePublic } from '@signet/keys'
import { bool, bytes, int, parsedText, text, time } from './codecs.ts'
import { type Hostinfo, hostinfo } from './hostinfo.ts'
import { lockKey, nodeKey } from './key-codecs.ts'
import {
  always,
  type Codec,
  encodeJson,
  type JsonInput,
  omitEmpty,
  omitZero,
  parseJson,
  pointer,
  struct,
} from './schema.ts'
import { type Login, login, type User, user } from './user.ts'
import type { WireTime } from './wire-time.ts'

/** A token of an outside login. */
export interface Oauth2Token {
  readonly access_token: string
  readonly token_type?: string | undefined
  readonly refresh_token?: string | undefined
  readonly expiry?: WireTime | undefined
}

/** Codec of {@link Oauth2Token}. */
export const oauth2Token: Codec<Oauth2Token> = struct<Oauth2Token>({
  access_token: always(text),
  token_type: omitEmpty(text),
  refresh_token: omitEmpty(text),
  expiry: omitZero(time),
})

/** How the node proves that it may join. */
export interface RegisterResponseAuth {
  readonly Oauth2Token?: Oauth2Token | undefined
  readonly AuthKey?: string | undefined
}

/** Codec of {@link RegisterResponseAuth}. */
export const registerResponseAuth: Codec<RegisterResponseAuth> = struct<RegisterResponseAuth>({
  Oauth2Token: omitEmpty(pointer(oauth2Token)),
  AuthKey: omitEmpty(text),
})

const SIGNATURE_TYPES: ReadonlySet<string> = new Set(['signature-v1', 'signature-v2'])

// Go reads every unknown name as "none" (which is left out), but names of the form
// signature-unknown(7) as "unknown".
const signatureType: Codec<string> = parsedText(
  '',
  (given) => {
    if (SIGNATURE_TYPES.has(given)) return given
    return /^signature-unknown\([+-]?[0-9]+\)/.test(given) ? 'signature-unknown' : ''
  },
  'signature type',
)

/** A node asks to join, to come back, to change its key, to shorten its expiry or to log out. */
export interface RegisterRequest {
  /** The client's capability version. */
  readonly Version: number
  readonly NodeKey: NodePublic
  /** All zero if there is none. */
  readonly OldNodeKey: NodePublic
  readonly NLKey: LockPublic
  readonly Auth?: RegisterResponseAuth | undefined
  /** "No time" normally; a time in the past means logout. */
  readonly Expiry: WireTime
  /** The AuthURL whose outcome the client waits for. */
  readonly Followup: string
  readonly Hostinfo: Hostinfo | null
  readonly Ephemeral?: boolean | undefined
  readonly NodeKeySignature: Uint8Array | null
  readonly SignatureType?: string | undefined
  readonly Timestamp?: WireTime | undefined
  readonly DeviceCert?: Uint8Array | undefined
  readonly Signature?: Uint8Array | undefined
  readonly Tailnet?: string | undefined
}

/** Codec of {@link RegisterRequest}. */
export const registerRequest: Codec<RegisterRequest> = struct<RegisterRequest>({
  Version: always(int),
  NodeKey: always(nodeKey),
  OldNodeKey: always(nodeKey),
  NLKey: always(lockKey),
  Auth: omitEmpty(pointer(registerResponseAuth)),
  Expiry: always(time),
  Followup: always(text),
  Hostinfo: always(pointer(hostinfo)),
  Ephemeral: omitEmpty(bool),
  NodeKeySignature: always(bytes),
  SignatureType: omitEmpty(signatureType),
  Timestamp: omitEmpty(time),
  DeviceCert: omitEmpty(bytes),
  Signature: omitEmpty(bytes),
  Tailnet: omitEmpty(text),
})

/** The server's answer to a {@link RegisterRequest}. */
export interface RegisterResponse {
  readonly User: User
  readonly Login: Login
  /** The client has to come back with a new node key. */
  readonly NodeKeyExpired: boolean
  readonly MachineAuthorized: boolean
  /** Where the user has to go, or "" if the node is registered. */
  readonly AuthURL: string
  /** The signature of the old node key, for the client to rotate. */
  readonly NodeKeySignature: Uint8Array | null
  readonly Error: string
}

/** Codec of {@link RegisterResponse}. */
export const registerResponse: Codec<RegisterResponse> = struct<RegisterResponse>({
  User: always(user),
  Login: always(login),
  NodeKeyExpired: always(bool),
  MachineAuthorized: always(bool),
  AuthURL: always(text),
  NodeKeySignature: always(bytes),
  Error: always(text),
})

/** Parses a registration request. @throws ProtocolError */
export function parseRegisterRequest(input: JsonInput): RegisterRequest {
  return parseJson(registerRequest, input)
}

/** Returns the JSON text of a registration request. */
export function encodeRegisterRequest(value: RegisterRequest): string {
  return encodeJson(registerRequest, value)
}

/** Parses a registration response. @throws ProtocolError */
export function parseRegisterResponse(input: JsonInput): RegisterResponse {
  return parseJson(registerResponse, input)
}

/** Returns the JSON text of a registration response. */
export function encodeRegisterResponse(value: RegisterResponse): string {
  return encodeJson(registerResponse, value)
}
