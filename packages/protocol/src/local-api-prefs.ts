// SPDX-License-Identifier: Apache-2.0

/**
 * Local API: preferences and starting (Go: ipn.Prefs, ipn.MaskedPrefs, ipn.Options).
 *
 * A change names the fields that it sets: `{"Hostname":"x","HostnameSet":true}`. Fields without
 * their mark are not touched.
 *
 * @module
 */

import { anyJson, bool, int, rawJson, text, type JsonValue, type RawJson } from './codecs.ts'
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
  type FieldTable,
  type JsonInput,
  type StructCodec,
} from './schema.ts'

/** What the owner of a node may set. Fields that Signet nodes do not act on are kept for official programs. */
export interface Prefs {
  readonly ControlURL: string
  readonly RouteAll: boolean
  readonly ExitNodeID: string
  readonly ExitNodeIP: string
  readonly InternalExitNodePrior: string
  readonly ExitNodeAllowLANAccess: boolean
  readonly CorpDNS: boolean
  readonly RunSSH: boolean
  readonly RunWebClient: boolean
  readonly WantRunning: boolean
  readonly LoggedOut: boolean
  readonly ShieldsUp: boolean
  readonly AdvertiseTags: readonly string[] | null
  readonly Hostname: string
  readonly NotepadURLs: boolean
  readonly AdvertiseRoutes: readonly string[] | null
  readonly NoSNAT: boolean
  readonly NetfilterMode: number
  readonly OperatorUser?: string
  readonly ProfileName?: string
  readonly PostureChecking: boolean
}

/** The names of preferences. */
export type PrefName = keyof Prefs

/** Fields that official programs read and that mean nothing to a Signet node. */
interface ForeignPrefs {
  readonly AdvertiseServices: RawJson
  readonly Sync: RawJson
  readonly AutoUpdate: JsonValue
  readonly AppConnector: JsonValue
  readonly NetfilterKind: string
  readonly DriveShares: RawJson
  readonly Config: RawJson
}

const table: FieldTable<Prefs> = {
  ControlURL: always(text),
  RouteAll: always(bool),
  ExitNodeID: always(text),
  ExitNodeIP: always(text),
  InternalExitNodePrior: always(text),
  ExitNodeAllowLANAccess: always(bool),
  CorpDNS: always(bool),
  RunSSH: always(bool),
  RunWebClient: always(bool),
  WantRunning: always(bool),
  LoggedOut: always(bool),
  ShieldsUp: always(bool),
  AdvertiseTags: always(list(text)),
  Hostname: always(text),
  NotepadURLs: always(bool),
  AdvertiseRoutes: always(list(text)),
  NoSNAT: always(bool),
  NetfilterMode: always(int),
  OperatorUser: omitEmpty(text),
  ProfileName: omitEmpty(text),
  PostureChecking: always(bool),
}

/** Every preference name. */
export const prefNames: readonly PrefName[] = Object.keys(table) as PrefName[]

const prefs: StructCodec<Prefs> = struct<Prefs>(table)

const wholePrefs: Codec<Prefs & ForeignPrefs> = struct<Prefs & ForeignPrefs>({
  ...table,
  AdvertiseServices: always(rawJson),
  Sync: always(rawJson),
  AutoUpdate: always(anyJson),
  AppConnector: always(anyJson),
  NetfilterKind: always(text),
  DriveShares: always(rawJson),
  Config: always(rawJson),
})

function whole(value: Prefs): Prefs & ForeignPrefs {
  return {
    ...wholePrefs.zero,
    ...value,
    AutoUpdate: { Check: false, Apply: null },
    AppConnector: { Advertise: false },
  }
}

/** The preferences of a node that nobody configured. */
export const defaultPrefs: Prefs = { ...prefs.zero, CorpDNS: true, NetfilterMode: 2 }

/** Returns the JSON of preferences. */
export function encodePrefs(value: Prefs): string {
  return encodeJson(wholePrefs, whole(value))
}

/** Reads preferences. @throws ProtocolError */
export function parsePrefs(input: JsonInput): Prefs {
  return parseJson(prefs, input)
}

/** Returns the JSON of a change that sets exactly the members of `change`. */
export function encodePrefsChange(change: Partial<Prefs>): string {
  const value = { ...prefs.zero, ...change }
  const marks = prefNames.filter((name) => change[name] !== undefined)
  const json = encodeJson(prefs, value)
  return `${json.slice(0, -1)}${marks.map((name) => `,"${name}Set":true`).join('')}}`
}

const marksCodec = textMap(anyJson)

/** Reads a change: only the fields that carry their mark. @throws ProtocolError */
export function parsePrefsChange(input: JsonInput): Partial<Prefs> {
  const marks = parseJson(marksCodec, input) ?? {}
  const given: Partial<Record<PrefName, unknown>> = parseJson(prefs, input)
  const set = prefNames.filter((name) => marks[`${name}Set`] === true)
  // Built from the table of Prefs alone; fields that Go leaves out when empty were given as ''.
  return Object.fromEntries(set.map((name) => [name, given[name] ?? emptyOf(name)]))
}

function emptyOf(name: PrefName): unknown {
  return table[name].codec.zero
}

/** What `POST /localapi/v0/start` takes. */
export interface StartOptions {
  /** All preferences, or null to keep those that the node has. */
  readonly UpdatePrefs: Prefs | null
  /** A pre-auth key, plain or wrapped by `lock sign`; '' for none. */
  readonly AuthKey: string
  /**
   * Signet only: the fingerprint of the lock that this node must find. With a pin the node accepts
   * no other authority, and no peer before that authority is in force.
   */
  readonly Pin?: string
}

interface StartOptionsJson extends StartOptions {
  readonly FrontendLogID: string
}

function startCodec<P extends Prefs>(
  of: Codec<P>,
): Codec<StartOptionsJson & { UpdatePrefs: P | null }> {
  return struct<StartOptionsJson & { UpdatePrefs: P | null }>({
    FrontendLogID: always(text),
    UpdatePrefs: always(pointer(of)),
    AuthKey: always(text),
    Pin: omitEmpty(text),
  })
}

const startWriter = startCodec(wholePrefs)
const startReader = startCodec(prefs)

/** Returns the JSON of start options. `Pin` is left out when empty, so that official daemons see what they know. */
export function encodeStartOptions(options: StartOptions): string {
  const { UpdatePrefs } = options
  return encodeJson(startWriter, {
    ...options,
    FrontendLogID: '',
    UpdatePrefs: UpdatePrefs && whole(UpdatePrefs),
  })
}

/** Reads start options. @throws ProtocolError */
export function parseStartOptions(input: JsonInput): StartOptions {
  const { UpdatePrefs, AuthKey, Pin } = parseJson(startReader, input)
  return { UpdatePrefs, AuthKey, ...(Pin !== undefined && Pin !== '' && { Pin }) }
}
