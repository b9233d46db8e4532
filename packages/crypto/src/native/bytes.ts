// SPDX-License-Identifier: Apache-2.0

/**
 * Node's `Buffer` is a `Uint8Array` whose `slice` aliases and whose JSON differs, so it stays in
 * this folder.
 *
 * @module
 */

/** Returns the same memory as a plain `Uint8Array`. */
export function bytesOf(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
