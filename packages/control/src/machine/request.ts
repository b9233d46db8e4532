// SPDX-License-Identifier: Apache-2.0

/**
 * Requests and answers on HTTP/2 streams. The lock's calls are GET requests with a body, which no
 * web framework hands on, so nothing of one is used here.
 *
 * @module
 */

import type { MachinePublic } from '@signet/keys'
import { ProtocolError } from '@signet/protocol'
import { type ServerStream, Ts2021Error } from '@signet/ts2021'
import type { Clock } from '../clock.ts'
import { ControlError, httpStatus } from '../errors.ts'
import { BODY_DEADLINE_MS } from '../limits.ts'
import type { BodyRoom } from './body-budget.ts'

/** Who is at the other end of a control connection: proven by the handshake, and nothing else is. */
export interface Caller {
  readonly machineKey: MachinePublic
  /** The version in the handshake: the client's capability version. */
  readonly version: number
  /** The address that it came from; absent where there is no network. For people to read, proves nothing. */
  readonly source?: string | undefined
}

/** One answer. */
export interface Answer {
  readonly status: number
  readonly body: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer of JSON text. */
export function jsonAnswer(json: string): Answer {
  return { status: 200, body: json, headers: { 'content-type': 'application/json' } }
}

/**
 * Reads a whole body. After an error nothing more is read of it, and the stream ends with the answer.
 *
 * @throws ControlError 'too-large', 'timeout', 'bad-request' when it was cut off
 */
export async function readBody(
  stream: Pick<ServerStream, 'readBody'>,
  room: Pick<BodyRoom, 'limit' | 'signal'>,
  clock: Clock,
): Promise<Uint8Array> {
  const late = new AbortController()
  const cancelDeadline = clock.schedule(BODY_DEADLINE_MS, () => late.abort())
  try {
    return await stream.readBody(room.limit, {
      signal: AbortSignal.any([late.signal, room.signal]),
    })
  } catch (cause) {
    if (!(cause instanceof Ts2021Error)) throw cause
    throw refusalOf(cause, room.limit)
  } finally {
    cancelDeadline()
  }
}

function refusalOf(cause: Ts2021Error, limit: number): ControlError {
  if (cause.code === 'body-too-large') {
    return new ControlError('too-large', `The request exceeds ${limit} bytes`, { cause })
  }
  if (cause.code === 'timeout') {
    return new ControlError('timeout', 'The request did not arrive in time', { cause })
  }
  return new ControlError('bad-request', 'The request was cut off', { cause })
}

/** Sends an answer, if the stream still takes one. */
export function sendAnswer(stream: ServerStream, answer: Answer): void {
  if (stream.closed || stream.responded) return
  stream.respond(answer.status, answer.headers)
  stream.end(answer.body)
}

const CANNOT_STORE = 'This server cannot store anything at present; try again later'

/** The answer that an error becomes. What is not one of ours says nothing about itself. */
export function errorAnswer(error: unknown): Answer {
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  if (error instanceof ControlError) {
    const retry = error.retryAfterSeconds
    return {
      status: httpStatus[error.code],
      // What the database said is for the operator's log.
      body: error.code === 'store-failed' ? CANNOT_STORE : error.message,
      headers: retry === undefined ? headers : { ...headers, 'retry-after': String(retry) },
    }
  }
  if (error instanceof ProtocolError) return { status: 400, body: error.message, headers }
  return { status: 500, body: 'Internal error', headers }
}
