// SPDX-License-Identifier: Apache-2.0

/**
 * Reads the bytes of one HTTP/1.x response, as nodes post them when they were asked something.
 *
 * @module
 */

import { ControlError } from '../errors.ts'

/** A response. */
export interface HttpReply {
  readonly status: number
  readonly contentType: string
  readonly body: Uint8Array
}

/** Bytes that a status line and headers may have. */
const MAX_HEAD_BYTES = 16 << 10

/** Parses a response that is complete. @throws ControlError 'bad-request' */
export function parseHttpReply(bytes: Uint8Array): HttpReply {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = text.subarray(0, MAX_HEAD_BYTES).indexOf('\r\n\r\n')
  if (end < 0) throw broken('its headers do not end')
  const [first = '', ...lines] = text.toString('latin1', 0, end).split('\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1]
  if (status === undefined) throw broken('it has no status line')
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      if (colon < 1) throw broken('it has a header without a name')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const rest = text.subarray(end + 4)
  return {
    status: Number(status),
    contentType: headers.get('content-type') ?? '',
    body: bodyOf(rest, headers),
  }
}

function bodyOf(rest: Buffer, headers: ReadonlyMap<string, string>): Uint8Array {
  if (headers.get('transfer-encoding')?.toLowerCase() === 'chunked') return unchunked(rest)
  const length = headers.get('content-length')
  if (length === undefined) return new Uint8Array(rest)
  if (!/^\d{1,9}$/.test(length) || Number(length) > rest.length) throw broken('its body is cut off')
  return new Uint8Array(rest.subarray(0, Number(length)))
}

function unchunked(rest: Buffer): Uint8Array {
  const parts: Buffer[] = []
  for (let at = 0; ;) {
    const end = rest.indexOf('\r\n', at)
    const size = /^([0-9a-fA-F]{1,7})(?:;.*)?$/.exec(rest.toString('latin1', at, Math.max(at, end)))
    if (end < 0 || size === null) throw broken('a chunk has no size')
    const start = end + 2
    at = start + Number.parseInt(size[1] ?? '', 16)
    if (at === start) return new Uint8Array(Buffer.concat(parts))
    if (rest.toString('latin1', at, at + 2) !== '\r\n') throw broken('a chunk is cut off')
    parts.push(rest.subarray(start, at))
    at += 2
  }
}

function broken(why: string): ControlError {
  return new ControlError('bad-request', `The node's answer is no HTTP response: ${why}`)
}
