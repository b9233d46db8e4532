// SPDX-License-Identifier: Apache-2.0

/**
 * The eight calls under /machine/tka that keep the lock in step between nodes and server.
 * All are GET requests with a JSON body.
 *
 * @module
 */

import type { NodePublic } from '@signet/keys'
import { bool, bytes, int, text } from './codecs.ts'
import { nodeKey } from './key-codecs.ts'
import {
  always,
  type Codec,
  intMap,
  type IntMap,
  type JsonInput,
  list,
  omitEmpty,
  parseJson,
  struct,
} from './schema.ts'

/** Members that every request has. */
export interface TKACaller {
  /** The client's capability version. */
  readonly Version: number
  /** The caller's node key; it must belong to the machine of the connection. */
  readonly NodeKey: NodePublic
}

const caller = { Version: always(int), NodeKey: always(nodeKey) }

/** `init/begin`: a genesis update is proposed. */
export interface TKAInitBeginRequest extends TKACaller {
  readonly GenesisAUM: Uint8Array | null
}

/** A node whose key has to be signed before the lock can start. */
export interface TKASignInfo {
  readonly NodeID: number
  readonly NodePublic: NodePublic
  /** 32 raw bytes of the node's lock key, or nothing if it has none. */
  readonly RotationPubkey: Uint8Array | null
}

/** Answer to `init/begin`. */
export interface TKAInitBeginResponse {
  readonly NeedSignatures: readonly TKASignInfo[] | null
}

/** `init/finish`: the signatures by node id. */
export interface TKAInitFinishRequest extends TKACaller {
  readonly Signatures: IntMap<Uint8Array | null> | null
  readonly SupportDisablement?: Uint8Array | undefined
}

/** An answer without content. */
export type TKAEmptyResponse = Readonly<Record<string, never>>

/** `bootstrap`: the caller needs a genesis update, or the proof that the lock ended. */
export interface TKABootstrapRequest extends TKACaller {
  readonly Head: string
}

/** Answer to `bootstrap`. */
export interface TKABootstrapResponse {
  readonly GenesisAUM?: Uint8Array | undefined
  readonly DisablementSecret?: Uint8Array | undefined
}

/** `sync/offer`: what the caller's chain looks like. */
export interface TKASyncOfferRequest extends TKACaller {
  readonly Head: string
  readonly Ancestors: readonly string[] | null
}

/** Answer to `sync/offer`: what the server's chain looks like and what the caller lacks. */
export interface TKASyncOfferResponse {
  readonly Head: string
  readonly Ancestors: readonly string[] | null
  readonly MissingAUMs: readonly (Uint8Array | null)[] | null
}

/** `sync/send`: updates that the server lacks. */
export interface TKASyncSendRequest extends TKACaller {
  readonly Head: string
  readonly MissingAUMs: readonly (Uint8Array | null)[] | null
  /** Whether a person waits for the outcome. */
  readonly Interactive: boolean
}

/** Answer to `sync/send`: the server's head afterwards. */
export interface TKASyncSendResponse {
  readonly Head: string
}

/** `disable`: the secret that ends the lock. */
export interface TKADisableRequest extends TKACaller {
  readonly Head: string
  readonly DisablementSecret: Uint8Array | null
}

/** `sign`: a signature of a node key. */
export interface TKASubmitSignatureRequest extends TKACaller {
  readonly Signature: Uint8Array | null
}

/** `affected-sigs`: which signatures hang on this key. */
export interface TKASignaturesUsingKeyRequest extends TKACaller {
  readonly KeyID: Uint8Array | null
}

/** Answer to `affected-sigs`. */
export interface TKASignaturesUsingKeyResponse {
  readonly Signatures: readonly (Uint8Array | null)[] | null
}

/** Codec of {@link TKAInitBeginRequest}. */
export const tkaInitBeginRequest: Codec<TKAInitBeginRequest> = struct<TKAInitBeginRequest>({
  ...caller,
  GenesisAUM: always(bytes),
})

/** Codec of {@link TKASignInfo}. */
export const tkaSignInfo: Codec<TKASignInfo> = struct<TKASignInfo>({
  NodeID: always(int),
  NodePublic: always(nodeKey),
  RotationPubkey: always(bytes),
})

/** Codec of {@link TKAInitBeginResponse}. */
export const tkaInitBeginResponse: Codec<TKAInitBeginResponse> = struct<TKAInitBeginResponse>({
  NeedSignatures: always(list(tkaSignInfo)),
})

/** Codec of {@link TKAInitFinishRequest}. */
export const tkaInitFinishRequest: Codec<TKAInitFinishRequest> = struct<TKAInitFinishRequest>({
  ...caller,
  Signatures: always(intMap(bytes)),
  SupportDisablement: omitEmpty(bytes),
})

/** Codec of {@link TKAEmptyResponse}, the answer to `init/finish`, `disable` and `sign`. */
export const tkaEmptyResponse: Codec<TKAEmptyResponse> = struct<TKAEmptyResponse>({})

/** Codec of {@link TKABootstrapRequest}. */
export const tkaBootstrapRequest: Codec<TKABootstrapRequest> = struct<TKABootstrapRequest>({
  ...caller,
  Head: always(text),
})

/** Codec of {@link TKABootstrapResponse}. */
export const tkaBootstrapResponse: Codec<TKABootstrapResponse> = struct<TKABootstrapResponse>({
  GenesisAUM: omitEmpty(bytes),
  DisablementSecret: omitEmpty(bytes),
})

/** Codec of {@link TKASyncOfferRequest}. */
export const tkaSyncOfferRequest: Codec<TKASyncOfferRequest> = struct<TKASyncOfferRequest>({
  ...caller,
  Head: always(text),
  Ancestors: always(list(text)),
})

/** Codec of {@link TKASyncOfferResponse}. */
export const tkaSyncOfferResponse: Codec<TKASyncOfferResponse> = struct<TKASyncOfferResponse>({
  Head: always(text),
  Ancestors: always(list(text)),
  MissingAUMs: always(list(bytes)),
})

/** Codec of {@link TKASyncSendRequest}. */
export const tkaSyncSendRequest: Codec<TKASyncSendRequest> = struct<TKASyncSendRequest>({
  ...caller,
  Head: always(text),
  MissingAUMs: always(list(bytes)),
  Interactive: always(bool),
})

/** Codec of {@link TKASyncSendResponse}. */
export const tkaSyncSendResponse: Codec<TKASyncSendResponse> = struct<TKASyncSendResponse>({
  Head: always(text),
})

/** Codec of {@link TKADisableRequest}. */
export const tkaDisableRequest: Codec<TKADisableRequest> = struct<TKADisableRequest>({
  ...caller,
  Head: always(text),
  DisablementSecret: always(bytes),
})

/** Codec of {@link TKASubmitSignatureRequest}. */
export const tkaSubmitSignatureRequest: Codec<TKASubmitSignatureRequest> =
  struct<TKASubmitSignatureRequest>({ ...caller, Signature: always(bytes) })

/** Codec of {@link TKASignaturesUsingKeyRequest}. */
export const tkaSignaturesUsingKeyRequest: Codec<TKASignaturesUsingKeyRequest> =
  struct<TKASignaturesUsingKeyRequest>({ ...caller, KeyID: always(bytes) })

/** Codec of {@link TKASignaturesUsingKeyResponse}. */
export const tkaSignaturesUsingKeyResponse: Codec<TKASignaturesUsingKeyResponse> =
  struct<TKASignaturesUsingKeyResponse>({ Signatures: always(list(bytes)) })

/** One call: where it goes, how its request and response are read, how much the client reads. */
export interface TKACall<Request, Response> {
  readonly path: string
  readonly request: Codec<Request>
  readonly response: Codec<Response>
  /** Where official clients stop reading the response. */
  readonly responseLimit: number
  /** How much of a request the server takes. */
  readonly requestLimit: number
}

const MIB = 1024 * 1024

function call<Request, Response>(
  name: string,
  request: Codec<Request>,
  response: Codec<Response>,
  limits: { request: number; response: number } = { request: MIB, response: MIB },
): TKACall<Request, Response> {
  return {
    path: `/machine/tka/${name}`,
    request,
    response,
    requestLimit: limits.request,
    responseLimit: limits.response,
  }
}

/** The eight calls by name. */
export const tkaCalls: {
  readonly initBegin: TKACall<TKAInitBeginRequest, TKAInitBeginResponse>
  readonly initFinish: TKACall<TKAInitFinishRequest, TKAEmptyResponse>
  readonly bootstrap: TKACall<TKABootstrapRequest, TKABootstrapResponse>
  readonly syncOffer: TKACall<TKASyncOfferRequest, TKASyncOfferResponse>
  readonly syncSend: TKACall<TKASyncSendRequest, TKASyncSendResponse>
  readonly disable: TKACall<TKADisableRequest, TKAEmptyResponse>
  readonly sign: TKACall<TKASubmitSignatureRequest, TKAEmptyResponse>
  readonly affectedSigs: TKACall<TKASignaturesUsingKeyRequest, TKASignaturesUsingKeyResponse>
} = {
  initBegin: call('init/begin', tkaInitBeginRequest, tkaInitBeginResponse, {
    request: MIB,
    response: 10 * MIB,
  }),
  initFinish: call('init/finish', tkaInitFinishRequest, tkaEmptyResponse, {
    request: 10 * MIB,
    response: MIB,
  }),
  bootstrap: call('bootstrap', tkaBootstrapRequest, tkaBootstrapResponse),
  syncOffer: call('sync/offer', tkaSyncOfferRequest, tkaSyncOfferResponse, {
    request: MIB,
    response: 10 * MIB,
  }),
  syncSend: call('sync/send', tkaSyncSendRequest, tkaSyncSendResponse, {
    request: 10 * MIB,
    response: 10 * MIB,
  }),
  disable: call('disable', tkaDisableRequest, tkaEmptyResponse),
  sign: call('sign', tkaSubmitSignatureRequest, tkaEmptyResponse),
  affectedSigs: call('affected-sigs', tkaSignaturesUsingKeyRequest, tkaSignaturesUsingKeyResponse),
}

/** Parses a request or response of a call. @throws ProtocolError */
export function parseTka<T>(codec: Codec<T>, input: JsonInput): T {
  return parseJson(codec, input)
}
