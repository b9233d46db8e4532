// SPDX-License-Identifier: Apache-2.0

/**
 * What the typed clients of this package need from the outside: one HTTP exchange, and one stream
 * of lines. Who passes a transport in decides how it connects (a unix socket, a test) and how long
 * it waits.
 *
 * @module
 */

/** One request. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path and query. */
  readonly path: string
  /** JSON text or raw bytes. */
  readonly body?: string | Uint8Array
}

/** One whole reply. */
export interface ApiReply {
  readonly status: number
  /** The words after the status number: 'Not Found'. */
  readonly statusText: string
  readonly body: Uint8Array
}

/** The connection to an API. */
export interface ApiTransport {
  /** Sends a request and reads the whole reply. Rejects only when there is no reply. */
  request(request: ApiRequest): Promise<ApiReply>
  /**
   * Sends a request and yields each line of a 200 reply as it arrives; ends with the reply. The
   * iterator's `return` ends the exchange at once, also while a line is being waited for.
   */
  lines(request: ApiRequest): AsyncIterable<string>
}
