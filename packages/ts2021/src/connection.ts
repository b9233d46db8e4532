// SPDX-License-Identifier: Apache-2.0

/**
 * Requests over an established control connection.
 *
 * @module
 */

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2'
import type { Duplex, Readable } from 'node:stream'
import { encodeUtf8 } from '@signet/codec'
import { Ts2021Error } from './errors.ts'
import { readBody } from './read-body.ts'
import { bindSession } from './session.ts'

/** One request. */
export interface ControlRequest {
  /** Calls of the lock are GET requests with a body. */
  readonly method: 'GET' | 'POST' | 'PATCH' | 'HEAD'
  readonly path: string
  /** What to send as `:authority`; the server's host unless told otherwise. */
  readonly authority?: string | undefined
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined
  readonly body?: Uint8Array | string | undefined
  /** Cancels the request, also while its response is being read. */
  readonly signal?: AbortSignal | undefined
}

/** The start of a response. */
export interface ControlResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /**
   * The body as it arrives; it has an error handler already. Node ends a body that was cut like a
   * whole one, so whoever reads this must know by itself where the body ends. `body` does.
   */
  readonly stream: Readable
  /** Reads the whole body. @throws Ts2021Error `body-too-large`, `closed` */
  body(limit: number): Promise<Uint8Array>
}

/** An established connection; many requests may run at once. */
export interface ControlConnection extends AsyncDisposable {
  /** Whether requests can still be made. */
  readonly closed: boolean
  /** Resolves when the connection has ended, for whatever reason. */
  readonly whenClosed: Promise<void>
  /** Sends a request. @throws Ts2021Error `closed` */
  request(request: ControlRequest): Promise<ControlResponse>
  /** Ends the connection at once. */
  close(): void
}

/** Starts HTTP/2 as client on a plaintext duplex. */
export function createControlConnection(duplex: Duplex, host: string): ControlConnection {
  // The session reports what matters; without a listener an error would end the process.
  duplex.on('error', () => {})
  const session = connect(`https://${host}`, {
    createConnection: () => duplex,
    settings: { enablePush: false },
  })
  session.on('error', () => {})
  bindSession(session, duplex)
  const whenClosed = new Promise<void>((resolve) => {
    session.once('close', () => resolve())
  })
  const connection: ControlConnection = {
    get closed() {
      return session.closed || session.destroyed
    },
    whenClosed,
    request: (request) => send(session, host, request),
    close: () => void duplex.destroy(),
    async [Symbol.asyncDispose]() {
      duplex.destroy()
      await whenClosed
    },
  }
  return connection
}

function send(
  session: ClientHttp2Session,
  host: string,
  request: ControlRequest,
): Promise<ControlResponse> {
  const { method, path, authority = host, headers, signal } = request
  const body = typeof request.body === 'string' ? encodeUtf8(request.body) : request.body
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true || session.closed || session.destroyed) {
      reject(new Ts2021Error('closed', `Cannot send ${method} ${path}: connection closed`))
      return
    }
    // Node ends GET requests right away unless told otherwise.
    const stream = session.request(
      {
        ':method': method,
        ':scheme': 'https',
        ':authority': authority,
        ':path': path,
        ...(body && { 'content-length': String(body.length) }),
        ...copyHeaders(headers),
      },
      { endStream: body === undefined },
    )
    const cancel = (): void => stream.close(constants.NGHTTP2_CANCEL)
    signal?.addEventListener('abort', cancel, { once: true })
    let failure: Error | undefined
    stream.on('error', (error) => {
      failure = error
    })
    stream.once('close', () => {
      signal?.removeEventListener('abort', cancel)
      const options = failure && { cause: failure }
      reject(new Ts2021Error('closed', `No response to ${method} ${path}: stream closed`, options))
    })
    stream.once('response', (received) => resolve(responseOf(stream, received)))
    if (body !== undefined) stream.end(body)
  })
}

function copyHeaders(
  headers: Readonly<Record<string, string | readonly string[]>> | undefined,
): Record<string, string | string[]> {
  const entries = Object.entries(headers ?? {})
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  )
}

function responseOf(stream: ClientHttp2Stream, headers: IncomingHttpHeaders): ControlResponse {
  return {
    status: Number(headers[':status']),
    headers,
    stream,
    body: async (limit) => {
      try {
        return await readBody(stream, limit)
      } catch (error) {
        stream.close(constants.NGHTTP2_CANCEL)
        throw error
      }
    },
  }
}
