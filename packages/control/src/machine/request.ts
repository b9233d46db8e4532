// SPDX-License-Identifier: Apache-2.0

/**
 * Requests and answers on raw HTTP/2 streams. The lock's calls are GET requests with a body, which no
 * web framework hands on, so nothing of one is used here.
 *
 * @module
 */

import type { ServerHttp2Stream } from 'node:http2'
import { constants } from 'node:http2'
import type { MachinePublic } from '@signet/keys'
import { ProtocolError } from '@signet/protocol'
import type { Clock } from '../clock.ts'
import { ControlError, httpStatus } from '../errors.ts'
import { BODY_DEADLINE_MS } from '../limits.ts'

/** Who is at the other end of a control connection: proven by the handshake, and nothing else is. */
export interface Caller {
  readonly machineKey: MachinePublic
  /** The version in the handshake: the client's capability version. */
  readonly version: number
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
 * Reads a whole body.
 *
 * @throws ControlError 'too-large', 'timeout', 'bad-request' when it was cut off
 */
export function readBody(stream: ServerHttp2Stream, limit: number, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (error: ControlError | null): void => {
      cancelDeadline()
      // A long poll keeps its stream for hours: nothing of the request may hang on it.
      stream.off('data', onData).off('end', onEnd).off('close', onClose)
      if (error === null) resolve(Buffer.concat(chunks, size))
      else reject(error)
    }
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size > limit) settle(new ControlError('too-large', `The request exceeds ${limit} bytes`))
      else chunks.push(chunk)
    }
    const onEnd = (): void => settle(null)
    const onClose = (): void => settle(new ControlError('bad-request', 'The request was cut off'))
    const cancelDeadline = clock.schedule(BODY_DEADLINE_MS, () =>
      settle(new ControlError('timeout', 'The request did not arrive in time')),
    )
    stream.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}

/** Sends an answer, if the stream still takes one. */
export function sendAnswer(stream: ServerHttp2Stream, answer: Answer): void {
  if (stream.closed || stream.destroyed || stream.headersSent) return
  stream.respond({
    [constants.HTTP2_HEADER_STATUS]: answer.status,
    ...answer.headers,
  })
  stream.end(answer.body)
}

/** The answer that an error becomes. What is not one of ours says nothing about itself. */
export function errorAnswer(error: unknown): Answer {
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  if (error instanceof ControlError) {
    const retry = error.retryAfterSeconds
    return {
      status: httpStatus[error.code],
      body: error.message,
      headers: retry === undefined ? headers : { ...headers, 'retry-after': String(retry) },
    }
  }
  if (error instanceof ProtocolError) return { status: 400, body: error.message, headers }
  return { status: 500, body: 'Internal error', headers }
}
