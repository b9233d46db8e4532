// SPDX-License-Identifier: Apache-2.0

/**
 * Frames by which a relay says who comes and goes.
 *
 * @module
 */

import { encodeFrame, FrameType } from './frames.ts'
import type { RelayOrigin } from './relay.ts'

/** Says that the client with this raw key is gone, and why. */
export function goneFrame(raw: Uint8Array, reason: number): Uint8Array {
  return encodeFrame(FrameType.PeerGone, raw, Uint8Array.of(reason))
}

/** Says that a client is there, where it connects from, and what it is. */
export function presentFrame(raw: Uint8Array, origin: RelayOrigin, flags: number): Uint8Array {
  const rest = Uint8Array.of(origin.port >> 8, origin.port & 0xff, flags)
  return encodeFrame(FrameType.PeerPresent, raw, origin.address, rest)
}

/** Says that the relay is about to restart. */
export function restartingFrame(reconnectInMs: number, tryForMs: number): Uint8Array {
  const payload = new Uint8Array(8)
  const view = new DataView(payload.buffer)
  view.setUint32(0, reconnectInMs)
  view.setUint32(4, tryForMs)
  return encodeFrame(FrameType.Restarting, payload)
}
