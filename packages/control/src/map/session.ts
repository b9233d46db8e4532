// SPDX-License-Identifier: Apache-2.0

/**
 * One long poll. All that it remembers of the network is a number: the version that it has delivered. There is
 * no queue; a client that reads slowly misses intermediate states and gets one merged change when it reads
 * again.
 *
 * @module
 */

import type { NodePublic } from '@signet/keys'
import type { Guidance } from '../guidance/guidance.ts'
import type { Compression } from './frame-encoder.ts'
import type { LockSignal } from './lock-signal.ts'

/** Where frames go: an HTTP/2 stream, or a test. */
export interface FrameSink {
  /** Hands over a frame, in one or more parts; false asks to wait for {@link FrameSink.onDrain} before the next. */
  write(...frame: readonly Uint8Array[]): boolean
  /** Calls back each time that the sink can take more after `write` returned false. */
  onDrain(resume: () => void): void
  /** Ends the stream after what was written. */
  end(): void
  /** Ends the stream at once. */
  destroy(): void
}

/** What a session remembers. Changed by `MapSessions` only. */
export interface Session {
  readonly nodeId: number
  /** The key with which it was opened: when the node has another, the session is over. */
  readonly nodeKey: NodePublic
  readonly compression: Compression
  /** It asked for its own record only. */
  readonly omitPeers: boolean
  readonly sink: FrameSink
  /** Called once, when the session is over for whatever reason. */
  readonly onEnd: () => void
  /** The version that was delivered; -1 before the first frame, and when everything is to be sent anew. */
  delivered: number
  /** Stamp of the node's own record as delivered. */
  self: number
  /** What it was last told besides nodes. */
  guidance: Guidance | null
  /** What it was last told about the lock, when, and how often in a row without effect. */
  lock: LockSignal | null
  lockToldAt: number
  lockRepeats: number
  /** When the client stopped reading; null while it reads. */
  blockedSince: number | null
  /** Its last full frame has not been read yet. */
  unreadFull: boolean
  keepAliveAt: number
  /** It is to be served in the next round. */
  waits: boolean
  over: boolean
}
