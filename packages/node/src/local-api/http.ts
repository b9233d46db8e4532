// SPDX-License-Identifier: Apache-2.0

/**
 * What a local API call looks like to the code that answers it: no sockets, no streams but one.
 *
 * @module
 */

import { decodeUtf8, encodeUtf8 } from '@signet/codec'
import { NodeError } from '../errors.ts'

/** One call, body read. */
export type ApiRequest = {
  readonly query: URLSearchParams
  readonly body: Uint8Array
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal
}

/** One answer. */
export type ApiReply = {
  readonly status: number
  readonly type?: string
  readonly body?: string | Uint8Array
  /** Called instead of `body`: writes until it returns or the caller goes away. */
  readonly stream?: (write: (text: string) => void, signal: AbortSignal) => Promise<void>
}

/** Answers calls of one path, by method. */
export type ApiRoute = {
  readonly path: string
  readonly methods: Readonly<
    Partial<Record<ApiMethod, (request: ApiRequest) => ApiReply | Promise<ApiReply>>>
  >
  /** Largest body, when it is not {@link maxBodyBytes}. */
  readonly bodyLimit?: number
}

/** The methods that local API paths know. */
export type ApiMethod = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** Largest body of a call: recovery updates and init requests with 512 keys stay far below. */
export const maxBodyBytes: number = 1024 * 1024

/** An answer whose body is JSON text. */
export function jsonReply(body: string, status = 200): ApiReply {
  return { status, type: 'application/json', body }
}

/** An answer that is one line of text, as Go's http.Error writes it. */
export function textReply(status: number, body: string): ApiReply {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` }
}

/** An answer without a body. */
export function emptyReply(status = 204): ApiReply {
  return { status }
}

/** The body as text. @throws NodeError bad-argument when it is not UTF-8 */
export function bodyText(request: ApiRequest): string {
  try {
    return decodeUtf8(request.body)
  } catch (cause) {
    throw new NodeError('bad-argument', 'Body is not UTF-8 text', { cause })
  }
}

/** Bytes of a text body. */
export function replyBytes(body: string | Uint8Array): Uint8Array {
  return typeof body === 'string' ? encodeUtf8(body) : body
}
