// SPDX-License-Identifier: Apache-2.0

/**
 * The recorded client: its machine key makes a real handshake, and its requests go out as they were.
 *
 * @module
 */

import { zstdDecompressSync } from 'node:zlib'
import { decodeUtf8 } from '@signet/codec'
import { dialControl } from '@signet/ts2021'
import type { ControlConnection } from '@signet/ts2021'
import type { Control } from '@signet/control'
import type { MachinePrivate } from '@signet/keys'
import { MapFrameReader } from '@signet/protocol'
import { emptyState, merge } from './netmap-state.ts'
import type { NetmapState } from './netmap-state.ts'
import { object } from './transcript.ts'
import type { Json, JsonObject, Step } from './transcript.ts'

/** An answer, as far as the request has one. */
export interface LiveAnswer {
  readonly status: number
  readonly text: string
}

/** A map stream on our server, and what it has said. */
export interface LiveStream {
  readonly status: number
  /** What was said instead of a map. */
  readonly text: string
  readonly state: NetmapState
  /** Pings that the server has asked for. */
  readonly pings: JsonObject[]
  /** Resolves when the first message is there, or none will come. */
  readonly first: Promise<void>
  readonly ended: () => boolean
  cancel(): void
}

/** Headers of HTTP/2 itself, and what the recorder added. */
const NOT_SENT = new Set(['(content-length)', 'content-length', 'host', 'connection'])
const MAX_ANSWER_BYTES = 16 << 20

export function dial(control: Control, machineKey: MachinePrivate): Promise<ControlConnection> {
  return dialControl({
    url: control.url,
    machineKey,
    serverKey: control.publicKey,
    version: 145,
  })
}

/** Sends a request and waits for the whole answer. */
export async function send(
  connection: ControlConnection,
  step: Step,
  body: string | null,
): Promise<LiveAnswer> {
  const response = await connection.request(requestOf(step, body))
  return { status: response.status, text: decodeUtf8(await response.body(MAX_ANSWER_BYTES)) }
}

/** Opens a map stream. */
export async function openStream(
  connection: ControlConnection,
  step: Step,
  body: string | null,
  translate: (text: string) => string,
): Promise<LiveStream> {
  const abort = new AbortController()
  const response = await connection.request({ ...requestOf(step, body), signal: abort.signal })
  const state = emptyState()
  const pings: JsonObject[] = []
  const first = Promise.withResolvers<void>()
  if (response.status !== 200) {
    const text = decodeUtf8(await response.body(MAX_ANSWER_BYTES))
    first.resolve()
    return {
      status: response.status,
      text,
      state,
      pings,
      first: first.promise,
      ended: () => true,
      cancel() {},
    }
  }
  const isPacked = step.request['Compress'] === 'zstd'
  const reader = new MapFrameReader(
    isPacked ? { decompress: (bytes) => zstdDecompressSync(bytes) } : {},
  )
  let isOver = false
  response.stream.on('data', (chunk: Buffer) => {
    for (const payload of reader.push(chunk)) {
      const message = object(JSON.parse(translate(decodeUtf8(payload))) as Json)
      if (message['PingRequest'] !== undefined) pings.push(object(message['PingRequest']))
      merge(state, message)
      first.resolve()
    }
  })
  response.stream.on('close', () => {
    isOver = true
    first.resolve()
  })
  return {
    status: 200,
    text: '',
    state,
    pings,
    first: first.promise,
    ended: () => isOver,
    cancel: () => abort.abort(),
  }
}

function requestOf(step: Step, body: string | null) {
  if (!['GET', 'POST', 'PATCH', 'HEAD'].includes(step.method)) {
    throw new Error(`No client sends ${step.method}`)
  }
  return {
    method: step.method as 'GET' | 'POST' | 'PATCH' | 'HEAD',
    path: step.path,
    authority: step.authority,
    headers: Object.fromEntries(
      Object.entries(step.headers).filter(([name]) => !NOT_SENT.has(name)),
    ),
    ...(body !== null && { body }),
  }
}
