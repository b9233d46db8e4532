// SPDX-License-Identifier: Apache-2.0

/**
 * Map frames: a length (32 bits, little endian), then one message, which is one complete zstd frame or plain
 * JSON, as the client asked. Counts what it does, so that a measurement can show that one change is encoded
 * once and not once per client.
 *
 * @module
 */

import { constants, zstdCompressSync } from 'node:zlib'

/** How a client wants its frames. */
export type Compression = 'zstd' | 'none'

/** What was done since the start. */
export interface FrameCounters {
  /** Messages composed, encoded and compressed. */
  encodings: number
  /** Frames handed to connections. */
  frames: number
  /** Bytes in those frames. */
  bytes: number
  /** First frames among them: a whole network each. */
  fullFrames: number
  /** Keep-alives among them. */
  keepAlives: number
  /** Rounds in which waiting sessions were looked at. */
  rounds: number
}

/** Counters at zero. */
export function frameCounters(): FrameCounters {
  return { encodings: 0, frames: 0, bytes: 0, fullFrames: 0, keepAlives: 0, rounds: 0 }
}

const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** Encodes one message. */
export function encodeFrame(
  json: string,
  compression: Compression,
  counters: FrameCounters,
): Buffer {
  counters.encodings++
  const text = Buffer.from(json)
  const payload = compression === 'zstd' ? zstdCompressSync(text, LEVEL) : text
  const frame = Buffer.allocUnsafe(4 + payload.length)
  frame.writeUInt32LE(payload.length, 0)
  frame.set(payload, 4)
  return frame
}

const quiet = frameCounters()
const KEEP_ALIVE = '{"KeepAlive":true}'
const keepAlives: Readonly<Record<Compression, Buffer>> = {
  zstd: encodeFrame(KEEP_ALIVE, 'zstd', quiet),
  none: encodeFrame(KEEP_ALIVE, 'none', quiet),
}

/** The keep-alive frame: always the same bytes, which clients recognise without decoding them. */
export function keepAliveFrame(compression: Compression): Buffer {
  return keepAlives[compression]
}
