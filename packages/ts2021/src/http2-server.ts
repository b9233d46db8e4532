// SPDX-License-Identifier: Apache-2.0

/**
 * HTTP/2 for one client of the control protocol.
 *
 * @module
 */

import { Http2Connection } from './http2/connection.ts'
import type { ServerStream } from './http2/stream.ts'
import { MAX_CONCURRENT_STREAMS, PREFACE_TIMEOUT } from './limits.ts'
import type { NoiseLink } from './noise-link.ts'

/** Settings of {@link serveHttp2}. */
export interface Http2ServerOptions {
  readonly maxConcurrentStreams?: number | undefined
  /** How long to wait for the client's first HTTP/2 bytes, in milliseconds. */
  readonly prefaceTimeout?: number | undefined
  /** Told of errors of the connection and of handlers, for logs. */
  readonly onError?: ((error: Error) => void) | undefined
  /** Told when the connection is over. */
  readonly onClose?: (() => void) | undefined
}

/**
 * Serves HTTP/2 over a link and hands each request to `onStream`. Whatever the client does ends streams or the
 * connection, never the process. If `onStream` throws, the stream is reset. To end the connection destroy
 * the link.
 */
export function serveHttp2(
  link: NoiseLink,
  onStream: (stream: ServerStream) => void,
  options: Http2ServerOptions = {},
): void {
  const onError = options.onError ?? (() => {})
  const connection = new Http2Connection({
    output: link,
    onStream,
    onError,
    maxConcurrentStreams: options.maxConcurrentStreams ?? MAX_CONCURRENT_STREAMS,
    now: () => performance.now(),
  })
  let deadline: NodeJS.Timeout | undefined = setTimeout(
    () => link.destroy(),
    options.prefaceTimeout ?? PREFACE_TIMEOUT,
  )
  deadline.unref()
  const stopWaiting = (): void => {
    clearTimeout(deadline)
    deadline = undefined
  }
  link.start({
    receive(plaintext) {
      connection.receive(plaintext)
      if (deadline !== undefined && connection.started) stopWaiting()
    },
    drained: () => connection.drained(),
    closed(error) {
      stopWaiting()
      connection.closed()
      if (error !== undefined) onError(error)
      options.onClose?.()
    },
  })
}
