// SPDX-License-Identifier: Apache-2.0

/**
 * Local API: what the lock commands send to the node (Go: ipn/localapi, tailnet lock).
 *
 * @module
 */

import { bool, bytes, int, text } from './codecs.ts'
import {
  always,
  encodeJson,
  list,
  omitEmpty,
  parseJson,
  struct,
  textMap,
  type Codec,
  type JsonInput,
  type TextMap,
} from './schema.ts'

/** A lock key as the commands send it (Go: tka.Key). */
export interface LockKeyJson {
  /** 1 is Ed25519. */
  readonly Kind: number
  readonly Votes: number
  readonly Public: Uint8Array | null
  readonly Meta: TextMap<string> | null
}

/** `tka/init` */
export interface LockInitRequest {
  readonly Keys: readonly LockKeyJson[] | null
  readonly DisablementValues: readonly (Uint8Array | null)[] | null
  readonly SupportDisablement: Uint8Array | null
  /**
   * Signet only: sign also the node keys that the server lists but that are not in this node's own
   * map. Without it such an init is refused, because a hostile server could have anything signed.
   */
  readonly SignUnknownNodes?: boolean
}

/** `tka/sign`. Without a rotation key the node cannot change its key by itself. */
export interface LockSignRequest {
  readonly NodeKey: string
  readonly RotationPublic: Uint8Array | null
}

/** `tka/modify` */
export interface LockModifyRequest {
  readonly AddKeys: readonly LockKeyJson[] | null
  readonly RemoveKeys: readonly LockKeyJson[] | null
}

/** `tka/wrap-preauth-key`. It holds a private key: never log it. */
export interface LockWrapRequest {
  readonly TSKey: string
  /** The private lock key, 'nlpriv:' and hex. */
  readonly TKAKey: string
}

/** `tka/generate-recovery-aum` */
export interface LockRecoveryRequest {
  readonly Keys: readonly (Uint8Array | null)[] | null
  /** Hash text (base32), '' to let the node choose. */
  readonly ForkFrom: string
}

/** `tka/verify-deeplink` */
export interface DeeplinkRequest {
  readonly URL: string
}

/** `tka/verify-deeplink` answers this. */
export interface DeeplinkResult {
  readonly IsValid: boolean
  readonly Error: string
  readonly Version: number
  readonly NodeKey: string
  readonly TLPub: string
  readonly DeviceName: string
  readonly OSName: string
  readonly EmailAddress: string
}

const key: Codec<LockKeyJson> = struct<LockKeyJson>({
  Kind: always(int),
  Votes: always(int),
  Public: always(bytes),
  Meta: always(textMap(text)),
})

const init: Codec<LockInitRequest> = struct<LockInitRequest>({
  Keys: always(list(key)),
  DisablementValues: always(list(bytes)),
  SupportDisablement: always(bytes),
  SignUnknownNodes: omitEmpty(bool),
})

const sign: Codec<LockSignRequest> = struct<LockSignRequest>({
  NodeKey: always(text),
  RotationPublic: always(bytes),
})

const modify: Codec<LockModifyRequest> = struct<LockModifyRequest>({
  AddKeys: always(list(key)),
  RemoveKeys: always(list(key)),
})

const wrap: Codec<LockWrapRequest> = struct<LockWrapRequest>({
  TSKey: always(text),
  TKAKey: always(text),
})

const recovery: Codec<LockRecoveryRequest> = struct<LockRecoveryRequest>({
  Keys: always(list(bytes)),
  ForkFrom: always(text),
})

const signatures: Codec<readonly (Uint8Array | null)[] | null> = list(bytes)

const deeplinkRequest: Codec<DeeplinkRequest> = struct<DeeplinkRequest>({ URL: always(text) })

const deeplinkResult: Codec<DeeplinkResult> = struct<DeeplinkResult>({
  IsValid: always(bool),
  Error: always(text),
  Version: always(int),
  NodeKey: always(text),
  TLPub: always(text),
  DeviceName: always(text),
  OSName: always(text),
  EmailAddress: always(text),
})

/** Returns a key as Go's JSON of tka.Key. */
export function encodeLockKey(value: LockKeyJson): string {
  return encodeJson(key, value)
}

/** Returns the JSON of an init request. */
export function encodeLockInitRequest(request: LockInitRequest): string {
  return encodeJson(init, request)
}

/** Reads an init request. @throws ProtocolError */
export function parseLockInitRequest(input: JsonInput): LockInitRequest {
  return parseJson(init, input)
}

/** Returns the JSON of a sign request. */
export function encodeLockSignRequest(request: LockSignRequest): string {
  return encodeJson(sign, request)
}

/** Reads a sign request. @throws ProtocolError */
export function parseLockSignRequest(input: JsonInput): LockSignRequest {
  return parseJson(sign, input)
}

/** Returns the JSON of a modify request. */
export function encodeLockModifyRequest(request: LockModifyRequest): string {
  return encodeJson(modify, request)
}

/** Reads a modify request. @throws ProtocolError */
export function parseLockModifyRequest(input: JsonInput): LockModifyRequest {
  return parseJson(modify, input)
}

/** Returns the JSON of a wrap request. */
export function encodeLockWrapRequest(request: LockWrapRequest): string {
  return encodeJson(wrap, request)
}

/** Reads a wrap request. @throws ProtocolError */
export function parseLockWrapRequest(input: JsonInput): LockWrapRequest {
  return parseJson(wrap, input)
}

/** Returns the JSON of a recovery request. */
export function encodeLockRecoveryRequest(request: LockRecoveryRequest): string {
  return encodeJson(recovery, request)
}

/** Reads a recovery request. @throws ProtocolError */
export function parseLockRecoveryRequest(input: JsonInput): LockRecoveryRequest {
  return parseJson(recovery, input)
}

/** Returns the JSON of a list of marshalled signatures (`tka/affected-sigs`). */
export function encodeSignatureList(values: readonly Uint8Array[]): string {
  return encodeJson(signatures, values)
}

/** Reads a list of marshalled signatures; null is the empty list. @throws ProtocolError */
export function parseSignatureList(input: JsonInput): Uint8Array[] {
  return (parseJson(signatures, input) ?? []).map((value) => value ?? new Uint8Array())
}

/** Returns the JSON of a verify-deeplink request. */
export function encodeDeeplinkRequest(request: DeeplinkRequest): string {
  return encodeJson(deeplinkRequest, request)
}

/** Reads a verify-deeplink request. @throws ProtocolError */
export function parseDeeplinkRequest(input: JsonInput): DeeplinkRequest {
  return parseJson(deeplinkRequest, input)
}

/** Returns the JSON of a deep link verdict. */
export function encodeDeeplinkResult(result: DeeplinkResult): string {
  return encodeJson(deeplinkResult, result)
}

/** Reads a deep link verdict. @throws ProtocolError */
export function parseDeeplinkResult(input: JsonInput): DeeplinkResult {
  return parseJson(deeplinkResult, input)
}
