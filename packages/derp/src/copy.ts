// SPDX-License-Identifier: Apache-2.0

/**
 * Copies of parts. Not by `slice`: chunks from sockets are of a subclass whose `slice` gives a view.
 *
 * @module
 */

/** Returns a copy of the bytes from `start` to `end`, with memory of its own. */
export function copyOf(
  bytes: Uint8Array,
  start: number = 0,
  end: number = bytes.length,
): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(end - start)
  copy.set(bytes.subarray(start, end))
  return copy
}
