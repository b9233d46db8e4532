// SPDX-License-Identifier: Apache-2.0

/**
 * HTTP/2 for one client of the control protocol.
 *
 * @module
 */

import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Duplex } from 'node:stream'
import {
  MAX_CONCURRENT_STREAMS,
  MAX_HEADER_BYTES,
  MAX_HEADER_PAIRS,
  PREFACE_TIMEOUT,
} from './limits.ts'
import { bindSession } from './session.ts'

/** Settings of {@link serveHttp2}. */
export interface Http2ServerOptions {
  readonly maxConcurrentStreams?: number | undefined
  /** How long to wait for the client's first HTTP/2 bytes, in milliseconds. */
  readonly prefaceTimeout?: number | undefined
  /** Told of errors of the connection and of streams, for logs. */
  readonly onError?: ((error: Error) => void) | undefined
}

/**
 * Serves HTTP/2 over a plaintext duplex and hands each request to `onStream`. Errors of session and
 * streams are caught here, so that a client that resets cannot end the process. If `onStream`
 * throws, the stream is reset. To end the connection at once destroy the duplex; `session.close()`
 * lets running requests finish.
 */
export function serveHttp2(
  duplex: Duplex,
  onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  options: Http2ServerOptions = {},
): ServerHttp2Session {
  const onError = options.onError ?? (() => {})
  duplex.on('error', onError)
  const session = performServerHandshake(duplex, {
    settings: {
      maxConcurrentStreams: options.maxConcurrentStreams ?? MAX_CONCURRENT_STREAMS,
      maxHeaderListSize: MAX_HEADER_BYTES,
      enablePush: false,
    },
    maxHeaderListPairs: MAX_HEADER_PAIRS,
  })
  bindSession(session, duplex)
  const deadline = setTimeout(() => duplex.destroy(), options.prefaceTimeout ?? PREFACE_TIMEOUT)
  deadline.unref()
  session.once('remoteSettings', () => clearTimeout(deadline))
  session.once('close', () => clearTimeout(deadline))
  session.on('error', onError)
  session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', onError)
    try {
      onStream(stream, headers)
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)))
      stream.destroy()
    }
  })
  return session
}
