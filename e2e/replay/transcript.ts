// SPDX-License-Identifier: Apache-2.0

/**
 * Recordings of official clients, as files of a folder: which requests were sent, by whom, and what the
 * recording server answered. Nothing here knows a key, a name or a number of nodes.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  lockPublicOf,
  machinePublicOf,
  nodePublicOf,
  parseLockPrivate,
  parseMachinePrivate,
  parseNodePrivate,
} from '@signet/keys'
import type { MachinePrivate } from '@signet/keys'

/** JSON as it is looked at here. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
export type JsonObject = { [name: string]: Json }

/** One request and its answer. */
export interface Step {
  readonly scenario: string
  /** From 1, in the order of the file. */
  readonly number: number
  readonly start: number
  /** Null: still open when the recording ended. */
  readonly end: number | null
  readonly conn: number
  readonly transport: 'plain' | 'noise'
  readonly machineKey: string
  readonly authority: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** The bytes that the client sent, as text; null when it sent none. */
  readonly body: string | null
  readonly request: JsonObject
  readonly status: number
  readonly response: Json | undefined
  readonly responseText: string | undefined
  readonly frames: readonly JsonObject[]
  readonly frameTimes: readonly number[]
  readonly continued: boolean
  readonly closed: boolean
}

/** One file. */
export interface Transcript {
  readonly scenario: string
  readonly recorded: string
  readonly serverKey: MachinePrivate
  readonly steps: readonly Step[]
  readonly machines: ReadonlyMap<string, MachinePrivate>
  /** The lock key of each profile, by its public node key. */
  readonly lockKeys: ReadonlyMap<string, string>
}

/** Everything that one recording server was told, in order. */
export interface Run {
  readonly serverKey: MachinePrivate
  readonly transcripts: readonly Transcript[]
  readonly machines: ReadonlyMap<string, MachinePrivate>
  readonly lockKeys: ReadonlyMap<string, string>
}

/** The order in which the scenarios of one server were recorded; others come behind them. */
const ORDER = [
  'login-authkey',
  'login-authkey-rejected',
  'login-interactive',
  'login-interactive-denied',
  'steady-state',
  'restart',
  'down-up',
  'settings',
  'misc-rpc',
  'server-errors',
  'logout',
  'reauth',
  'key-expiry',
  'ephemeral',
  'deleted-node',
  'lock-init',
  'lock-join-sign',
  'lock-sign-no-rotation-key',
  'lock-add',
  'lock-errors',
  'lock-reauth',
  'lock-reauth-authkey',
  'lock-key-expiry',
  'lock-restart',
  'lock-wrapped-authkey',
  'lock-add-race',
  'lock-remove',
  'lock-remove-no-resign',
  'lock-revoke-keys',
  'lock-local-disable',
  'lock-disable',
  'lock-reinit',
]

/** Reads all transcripts of a folder and puts them into the order of their runs. */
export function readRuns(folder: string): Run[] {
  const runs = new Map<string, Transcript[]>()
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.json')) continue
    const text = readFileSync(join(folder, file), 'utf8')
    if (!text.includes('"transcript/1"')) continue
    const transcript = readTranscript(text)
    const run = machinePublicOf(transcript.serverKey)
    runs.set(run, [...(runs.get(run) ?? []), transcript])
  }
  return [...runs.values()].map((transcripts) => {
    transcripts.sort((a, b) => place(a) - place(b))
    return {
      serverKey: transcripts[0]!.serverKey,
      transcripts,
      machines: new Map(transcripts.flatMap(({ machines }) => [...machines])),
      lockKeys: new Map(transcripts.flatMap(({ lockKeys }) => [...lockKeys])),
    }
  })
}

function place({ scenario }: Transcript): number {
  const index = ORDER.indexOf(scenario)
  return index === -1 ? ORDER.length : index
}

function readTranscript(text: string): Transcript {
  const document = object(JSON.parse(text) as Json)
  const exact = JSON.parse(text, keepNumbers) as { steps: { request?: unknown }[] }
  const keys = object(document['keys']!)
  const machines = new Map<string, MachinePrivate>()
  const lockKeys = new Map<string, string>()
  for (const node of array(keys['nodes'])) {
    for (const snapshot of array(object(node)['snapshots'])) {
      const { machinePrivate, profiles } = object(snapshot)
      if (typeof machinePrivate !== 'string') continue
      const key = parseMachinePrivate(machinePrivate)
      machines.set(machinePublicOf(key), key)
      for (const profile of array(profiles)) {
        const { nodePrivate, nlPrivate } = object(profile)
        if (typeof nodePrivate !== 'string' || typeof nlPrivate !== 'string') continue
        const nodeKey = nodePublicOf(parseNodePrivate(nodePrivate))
        lockKeys.set(nodeKey, lockPublicOf(parseLockPrivate(nlPrivate)))
      }
    }
  }
  const scenario = showText(document['scenario'])
  return {
    scenario,
    recorded: showText(document['recorded']),
    serverKey: parseMachinePrivate(showText(object(keys['server']!)['noisePrivate'])),
    steps: array(document['steps']).map((step, index) =>
      readStep(object(step), { scenario, number: index + 1, sent: exact.steps[index]?.request }),
    ),
    machines,
    lockKeys,
  }
}

function readStep(
  step: JsonObject,
  { scenario, number, sent }: { scenario: string; number: number; sent: unknown },
): Step {
  const headers = Object.fromEntries(
    Object.entries(object(step['requestHeaders'] ?? {})).map(([name, value]) => [
      name.toLowerCase(),
      showText(value),
    ]),
  )
  const request = step['request'] ?? null
  const length = Number(headers['(content-length)'] ?? -1)
  return {
    scenario,
    number,
    start: Number(step['t_ms']),
    end: typeof step['end_ms'] === 'number' && step['end_ms'] > 0 ? step['end_ms'] : null,
    conn: Number(step['conn']),
    transport: step['transport'] === 'plain' ? 'plain' : 'noise',
    machineKey: showText(step['machineKey'] ?? ''),
    authority: showText(step['authority'] ?? ''),
    method: showText(step['method']),
    path: showText(step['path']),
    headers,
    body: sent === undefined ? textBody(step, length) : bodyOf(JSON.stringify(sent), length),
    request: isObject(request) ? request : {},
    status: Number(step['status'] ?? 0),
    response: step['response'],
    responseText: typeof step['responseText'] === 'string' ? step['responseText'] : undefined,
    frames: array(step['frames']).map((frame) => object(object(frame)['json']!)),
    frameTimes: array(step['frames']).map((frame) => Number(object(frame)['t_ms'])),
    continued: step['continued'] === true,
    closed: step['closed'] !== undefined,
  }
}

/** A body that is not JSON: the answer of a node that was asked something. */
function textBody({ requestText }: JsonObject, length: number): string | null {
  if (typeof requestText !== 'string') return null
  if (Buffer.byteLength(requestText) !== length)
    throw new Error('A text was not recorded as it was')
  return requestText
}

/** Numbers keep the digits that they were sent with. */
function keepNumbers(_name: string, value: unknown, context?: { source?: string }): unknown {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }
  return typeof value === 'number' ? rawJSON(context!.source!) : value
}

/**
 * The bytes that were sent, of which the recording kept what they say, the order of their members, and their
 * number. Go escapes what could be markup, and one of its two encoders ends with a newline.
 */
function bodyOf(json: string, length: number): string {
  const code = (letter: string): string =>
    `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
  const text = json.replaceAll(/[<>&\u2028\u2029]/g, code)
  const found = [text, `${text}\n`, json, `${json}\n`].find(
    (body) => Buffer.byteLength(body) === length,
  )
  if (found === undefined) throw new Error(`A request of ${length} bytes cannot be written again`)
  return found
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function object(value: Json): JsonObject {
  if (!isObject(value)) throw new Error(`Not an object: ${JSON.stringify(value)}`)
  return value
}

export function array(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : []
}

/** A value as text: itself when it is text, and what it looks like otherwise. */
export function showText(value: Json | undefined): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value ?? '')
}
