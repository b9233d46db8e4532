// SPDX-License-Identifier: Apache-2.0

/** A connection between arrays: what goes in is written by hand, what comes out is parsed. */

import { Http2Connection } from '../src/http2/connection.ts'
import { encodeFrame, Flag, type Frame, FrameType, PREFACE } from '../src/http2/frames.ts'
import { FrameReader } from '../src/http2/frame-reader.ts'
import { encodeHeaders, type HeaderField } from '../src/http2/hpack.ts'
import type { ServerStream } from '../src/http2/stream.ts'

export const REQUEST: readonly HeaderField[] = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':authority', 'x'],
  [':path', '/machine/map'],
]

export interface Harness {
  readonly connection: Http2Connection
  readonly streams: ServerStream[]
  readonly errors: Error[]
  /** Frames that the connection has sent since the last look. */
  sent(): Promise<Frame[]>
  /** Bytes sent so far. */
  readonly size: number
  /** Ended by the connection. */
  readonly closed: boolean
  congested: boolean
  backlog: number
  now: number
}

export function harness(
  onStream: (stream: ServerStream) => void = () => {},
  maxConcurrentStreams = 8,
): Harness {
  const out: Uint8Array[] = []
  const streams: ServerStream[] = []
  const errors: Error[] = []
  const reader = new FrameReader()
  reader.push(PREFACE, () => {})
  const state = { congested: false, backlog: 0, closed: false, size: 0, now: 0 }
  const connection = new Http2Connection({
    output: {
      send(bytes) {
        state.size += bytes.length
        out.push(Uint8Array.from(bytes))
      },
      get congested() {
        return state.congested
      },
      get backlog() {
        return state.backlog
      },
      close() {
        state.closed = true
      },
    },
    onStream(stream) {
      streams.push(stream)
      onStream(stream)
    },
    onError: (error) => errors.push(error),
    maxConcurrentStreams,
    now: () => state.now,
  })
  return Object.assign(state, {
    connection,
    streams,
    errors,
    async sent() {
      await Promise.resolve()
      const frames: Frame[] = []
      for (const bytes of out.splice(0)) reader.push(bytes, (frame) => frames.push({ ...frame }))
      return frames
    },
  })
}

export function settings(...pairs: readonly (readonly [number, number])[]): Uint8Array {
  const payload = Buffer.alloc(6 * pairs.length)
  pairs.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, 6 * i)
    payload.writeUInt32BE(value, 6 * i + 2)
  })
  return encodeFrame(FrameType.Settings, 0, 0, payload)
}

export const HELLO: Uint8Array = Buffer.concat([PREFACE, settings()])

export function request(
  stream: number,
  fields = REQUEST,
  flags: number = Flag.EndHeaders,
): Uint8Array {
  return encodeFrame(FrameType.Headers, flags, stream, encodeHeaders(fields))
}

export function data(stream: number, bytes: Uint8Array | string, flags = 0): Uint8Array {
  return encodeFrame(FrameType.Data, flags, stream, Buffer.from(bytes))
}

export function frame(
  type: number,
  stream: number,
  payload: readonly number[] | Uint8Array = [],
  flags = 0,
): Uint8Array {
  return encodeFrame(type, flags, stream, Uint8Array.from(payload))
}
