// SPDX-License-Identifier: Apache-2.0

/**
 * Signatures on their way to another thread, as one array: copying many small ones would cost more
 * than verifying. Each is key (32), signature (64), length of the message (4), message.
 *
 * @module
 */

import type { RawSignature } from '../platform.ts'

const KEY = 32
const SIGNATURE = 64
const HEAD = KEY + SIGNATURE + 4

/** Returns an array of its own memory. */
export function packSignatures(items: readonly RawSignature[]): Uint8Array<ArrayBuffer> {
  const size = items.reduce((sum, { message }) => sum + HEAD + message.length, 0)
  const packed = new Uint8Array(size)
  const view = new DataView(packed.buffer)
  let at = 0
  for (const { publicKey, message, signature } of items) {
    packed.set(publicKey, at)
    packed.set(signature, at + KEY)
    view.setUint32(at + KEY + SIGNATURE, message.length)
    packed.set(message, at + HEAD)
    at += HEAD + message.length
  }
  return packed
}

/** Returns views into what was packed. */
export function unpackSignatures(packed: Uint8Array): RawSignature[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length)
  const items: RawSignature[] = []
  for (let at = 0; at < packed.length;) {
    const end = at + HEAD + view.getUint32(at + KEY + SIGNATURE)
    items.push({
      publicKey: packed.subarray(at, at + KEY),
      signature: packed.subarray(at + KEY, at + KEY + SIGNATURE),
      message: packed.subarray(at + HEAD, end),
    })
    at = end
  }
  return items
}
