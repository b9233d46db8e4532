// SPDX-License-Identifier: Apache-2.0

/**
 * Joining of two byte strings; this package stands on no other, so it has its own.
 *
 * @module
 */

/** Returns the bytes of both, in a fresh array. */
export function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(a.length + b.length)
  out.set(a)
  out.set(b, a.length)
  return out
}
