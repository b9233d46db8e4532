// SPDX-License-Identifier: Apache-2.0

/**
 * Frames of HTTP/2 (RFC 9113, sections 4 and 6): nine bytes in front, then a payload.
 *
 * @module
 */

import { Http2Code, Http2Error } from './errors.ts'

/** What a client sends before its first frame. */
export const PREFACE: Uint8Array = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** Length of the header of a frame. */
export const FRAME_HEADER = 9

/** Most payload of one frame in either direction: the least that everybody takes. */
export const MAX_FRAME_PAYLOAD = 16_384

/** Windows before anybody has changed them. */
export const FIRST_WINDOW = 65_535

/** No window may grow beyond this. */
export const MAX_WINDOW = 0x7fff_ffff

/** Types of frames. */
export const FrameType = {
  Data: 0,
  Headers: 1,
  Priority: 2,
  RstStream: 3,
  Settings: 4,
  PushPromise: 5,
  Ping: 6,
  GoAway: 7,
  WindowUpdate: 8,
  Continuation: 9,
} as const

/** Flags of frames. Their meaning depends on the type. */
export const Flag = {
  EndStream: 0x1,
  Ack: 0x1,
  EndHeaders: 0x4,
  Padded: 0x8,
  Priority: 0x20,
} as const

/** Settings that are looked at. */
export const Setting = {
  EnablePush: 2,
  MaxConcurrentStreams: 3,
  InitialWindowSize: 4,
  MaxFrameSize: 5,
  MaxHeaderListSize: 6,
} as const

/** One frame, as it was received. The payload is only good until the next is read. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Uint8Array
}

/** Returns a frame. */
export function encodeFrame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array,
): Uint8Array {
  const out = Buffer.allocUnsafe(FRAME_HEADER + payload.length)
  writeFrame(out, 0, type, flags, stream, payload)
  return out
}

/** Writes a frame into `out`, which has room for it; returns where it ends. */
export function writeFrame(
  out: Uint8Array,
  at: number,
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array,
): number {
  const { length } = payload
  out[at] = length >> 16
  out[at + 1] = length >> 8
  out[at + 2] = length
  out[at + 3] = type
  out[at + 4] = flags
  out[at + 5] = stream >>> 24
  out[at + 6] = stream >> 16
  out[at + 7] = stream >> 8
  out[at + 8] = stream
  out.set(payload, at + FRAME_HEADER)
  return at + FRAME_HEADER + length
}

/** Returns settings as the payload of a frame. */
export function encodeSettings(settings: readonly (readonly [number, number])[]): Uint8Array {
  const out = Buffer.allocUnsafe(6 * settings.length)
  for (const [i, [id, value]] of settings.entries()) {
    out.writeUInt16BE(id, 6 * i)
    out.writeUInt32BE(value, 6 * i + 2)
  }
  return out
}

/** Reads 32 bits, big endian. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  )
}

/** Returns 32 bits, big endian. */
export function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >> 16, value >> 8, value)
}

/** Takes off what pads a payload, and the priority in front of a header block. */
export function withoutPadding({ flags, payload }: Frame, priorityBytes: number): Uint8Array {
  const isPadded = (flags & Flag.Padded) !== 0
  const start = (isPadded ? 1 : 0) + priorityBytes
  const end = payload.length - (isPadded ? (payload[0] ?? 0) : 0)
  if (start > end)
    throw new Http2Error(Http2Code.Protocol, 'Refused frame: more padding than frame')
  return payload.subarray(start, end)
}
