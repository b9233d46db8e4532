// SPDX-License-Identifier: Apache-2.0

/**
 * The control connection on Node sockets: HTTP upgrade, Noise stream, HTTP/2.
 *
 * @module
 */

// Server
export {
  acceptStream,
  type AcceptStreamOptions,
  acceptUpgrade,
  type AcceptedClient,
  type AcceptOptions,
  HANDSHAKE_HEADER,
  UPGRADE_PROTOCOL,
} from './accept.ts'
export { type Http2ServerOptions, serveHttp2 } from './http2-server.ts'
export { type LinkListener, NoiseLink, type NoiseLinkOptions } from './noise-link.ts'
export type { ServerStream } from './http2/stream.ts'
export type { RequestHeaders } from './http2/request-headers.ts'
export { Http2Code } from './http2/errors.ts'

// Client
export { dialControl, type DialOptions } from './dial.ts'
export {
  type ControlConnection,
  type ControlRequest,
  type ControlResponse,
  createControlConnection,
} from './connection.ts'
export { fetchServerKey, type FetchKeyOptions } from './server-key.ts'

// Both
export { noiseStream, type NoiseStreamOptions } from './noise-stream.ts'
export { readBody, type ReadBodyOptions } from './read-body.ts'
export {
  DIAL_TIMEOUT,
  MAX_CONCURRENT_STREAMS,
  MAX_EARLY_BYTES,
  MAX_KEY_RESPONSE,
  PREFACE_TIMEOUT,
} from './limits.ts'

// Errors
export { Ts2021Error, type Ts2021ErrorCode } from './errors.ts'
