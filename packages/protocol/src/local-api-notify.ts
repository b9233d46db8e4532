// SPDX-License-Identifier: Apache-2.0

/**
 * Local API: small answers. The notification bus (Go: ipn.Notify), ping and whois.
 *
 * @module
 */

import { anyJson, bool, float, int, rawJson, text, type JsonValue, type RawJson } from './codecs.ts'
import {
  always,
  encodeJson,
  list,
  omitEmpty,
  omitZero,
  parseJson,
  pointer,
  struct,
  type Codec,
  type JsonInput,
} from './schema.ts'
import { backendStates, type BackendState } from './local-api-status.ts'

/** The bit of `watch-ipn-bus?mask=` that asks for the present state as the first message. */
export const notifyInitialState = 2

/** One message of the notification bus. Absent members say nothing. */
export interface Notify {
  readonly Version: string
  readonly State?: BackendState
  readonly BrowseToURL?: string
  readonly ErrMessage?: string
  readonly LoginFinished?: boolean
  /**
   * The JSON of this node as the map shows it, when its key changed: official programs wait for that
   * after a forced login. As text, so that reading the bus needs no more than reading the bus does.
   */
  readonly SelfChange?: RawJson
}

interface NotifyJson {
  readonly Version: string
  readonly ErrMessage: string | null
  readonly LoginFinished: JsonValue
  readonly State: number | null
  readonly Prefs: RawJson
  readonly SelfChange?: RawJson | undefined
  readonly NetMap: RawJson
  readonly Engine: RawJson
  readonly BrowseToURL: string | null
}

const notify: Codec<NotifyJson> = struct<NotifyJson>({
  Version: always(text),
  ErrMessage: always(pointer(text)),
  LoginFinished: always(anyJson),
  State: always(pointer(int)),
  Prefs: always(rawJson),
  SelfChange: omitEmpty(pointer(rawJson)),
  NetMap: always(rawJson),
  Engine: always(rawJson),
  BrowseToURL: always(pointer(text)),
})

/** Returns one bus message as a line of JSON. */
export function encodeNotify(message: Notify): string {
  const line = encodeJson(notify, {
    ...notify.zero,
    Version: message.Version,
    ErrMessage: message.ErrMessage ?? null,
    LoginFinished: message.LoginFinished === true ? {} : null,
    State: message.State === undefined ? null : backendStates.indexOf(message.State),
    BrowseToURL: message.BrowseToURL ?? null,
    ...(message.SelfChange && { SelfChange: message.SelfChange }),
  })
  return `${line}\n`
}

/** Reads one bus message. A state number that we do not know reads as no state. @throws ProtocolError */
export function parseNotify(input: JsonInput): Notify {
  const message = parseJson(notify, input)
  const state = message.State === null ? undefined : backendStates[message.State]
  return {
    Version: message.Version,
    ...(state !== undefined && { State: state }),
    ...(message.BrowseToURL !== null && { BrowseToURL: message.BrowseToURL }),
    ...(message.ErrMessage !== null && { ErrMessage: message.ErrMessage }),
    ...(message.LoginFinished !== null && { LoginFinished: true }),
    ...(message.SelfChange && { SelfChange: message.SelfChange }),
  }
}

/** The answer to one ping. */
export interface PingResult {
  readonly IP: string
  readonly NodeIP: string
  readonly NodeName: string
  /** Why there was no answer, '' when there was one. */
  readonly Err: string
  readonly LatencySeconds: number
  readonly Endpoint: string
  readonly PeerRelay: string
  readonly DERPRegionID: number
  readonly DERPRegionCode: string
  readonly PeerAPIPort?: number
  readonly PeerAPIURL?: string
  readonly IsLocalIP?: boolean
}

/** The kinds of ping of the local API. */
export const PingKind = { Disco: 'disco', Tsmp: 'TSMP', Icmp: 'ICMP', PeerApi: 'peerapi' } as const
export type PingKind = (typeof PingKind)[keyof typeof PingKind]

const ping: Codec<PingResult> = struct<PingResult>({
  IP: always(text),
  NodeIP: always(text),
  NodeName: always(text),
  Err: always(text),
  LatencySeconds: always(float),
  Endpoint: always(text),
  PeerRelay: always(text),
  DERPRegionID: always(int),
  DERPRegionCode: always(text),
  PeerAPIPort: omitEmpty(int),
  PeerAPIURL: omitEmpty(text),
  IsLocalIP: omitEmpty(bool),
})

/** Returns the JSON of a ping result; members that are not given are empty. */
export function encodePingResult(result: Partial<PingResult>): string {
  return encodeJson(ping, { ...ping.zero, ...result })
}

/** Reads a ping result. @throws ProtocolError */
export function parsePingResult(input: JsonInput): PingResult {
  return parseJson(ping, input)
}

/** The node in a whois answer, cut down to what `signet whois` shows. */
export interface WhoIsNode {
  readonly ID: number
  readonly StableID: string
  /** With a dot at the end. */
  readonly Name: string
  readonly User: number
  readonly Addresses: readonly string[] | null
  readonly AllowedIPs: readonly string[] | null
  readonly Tags?: readonly string[]
}

/** The user in a whois answer. */
export interface WhoIsUser {
  readonly ID: number
  readonly LoginName: string
  readonly DisplayName: string
}

/** Who has an address. */
export interface WhoIs {
  readonly Node: WhoIsNode
  readonly UserProfile: WhoIsUser
  readonly CapMap: RawJson
}

const whois: Codec<WhoIs> = struct<WhoIs>({
  Node: always(
    struct<WhoIsNode>({
      ID: always(int),
      StableID: always(text),
      Name: always(text),
      User: always(int),
      Addresses: always(list(text)),
      AllowedIPs: always(list(text)),
      Tags: omitZero(list(text)),
    }),
  ),
  UserProfile: always(
    struct<WhoIsUser>({ ID: always(int), LoginName: always(text), DisplayName: always(text) }),
  ),
  CapMap: always(rawJson),
})

/** Returns the JSON of a whois answer. */
export function encodeWhoIs(who: Omit<WhoIs, 'CapMap'>): string {
  return encodeJson(whois, { CapMap: whois.zero.CapMap, ...who })
}

/** Reads a whois answer. @throws ProtocolError */
export function parseWhoIs(input: JsonInput): WhoIs {
  return parseJson(whois, input)
}
