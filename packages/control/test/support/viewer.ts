// SPDX-License-Identifier: Apache-2.0

/**
 * A client that reads a map stream, or stops reading it.
 *
 * @module
 */

import { zstdDecompressSync } from 'node:zlib'
import { MapFrameReader, parseMapResponse } from '@signet/protocol'
import type { MapResponse } from '@signet/protocol'
import type { Compression } from '../../src/map/frame-encoder.ts'
import type { Session } from '../../src/map/session.ts'
import type { Machine, TestServer } from './server.ts'

/** One open stream. */
export interface Viewer {
  readonly session: Session
  /** Messages since the last call, keep-alives included. */
  take(): MapResponse[]
  /** Bytes and number of all frames so far. */
  readonly frames: { count: number; bytes: number; largest: number }
  /** From now on the sink says that it is full. */
  stall(): void
  /** Reads again. */
  resume(): void
  readonly ended: () => boolean
  close(): void
}

/** Opens a stream for a machine, with presence, as a request would. */
export function openViewer(
  server: TestServer,
  machine: Machine,
  compression: Compression = 'none',
): Viewer {
  const { sessions, presence } = server.runtime
  const node = server.tailnet.nodes.get(machine.row().id)
  if (node === undefined) throw new Error('no such node')
  const reader = new MapFrameReader(
    compression === 'zstd' ? { decompress: (bytes) => zstdDecompressSync(bytes) } : {},
  )
  const frames = { count: 0, bytes: 0, largest: 0 }
  const messages: MapResponse[] = []
  let stalled = false
  let ended = false
  let drain: () => void = () => {}
  const disconnect = presence.connect(node.row.id)
  const session = sessions.open(server.tailnet.nodes.get(node.row.id) ?? node, {
    compression,
    onEnd: disconnect,
    sink: {
      write(...pieces) {
        const frame = Buffer.concat(pieces)
        frames.count++
        frames.bytes += frame.length
        frames.largest = Math.max(frames.largest, frame.length)
        for (const payload of reader.push(frame)) messages.push(parseMapResponse(payload))
        return !stalled
      },
      onDrain(resume) {
        drain = resume
      },
      end: () => void (ended = true),
      destroy: () => void (ended = true),
    },
  })
  return {
    session,
    frames,
    take: () => messages.splice(0),
    stall: () => void (stalled = true),
    resume() {
      stalled = false
      drain()
    },
    ended: () => ended,
    close: () => sessions.close(session),
  }
}
