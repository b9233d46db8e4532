// SPDX-License-Identifier: Apache-2.0

/**
 * Tells packets of the discovery protocol from others. They are few, and a path is found by them: a
 * relay keeps a queue of its own for them and answers them when nobody is there.
 *
 * @module
 */

/** "TS", then a speech balloon: what every discovery packet begins with. */
const MAGIC: readonly number[] = [0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac]

/** Magic, sender's key, nonce: what is there before the box. */
const MIN_LENGTH = 62

/** Says whether the bytes from `start` to `end` look like a discovery packet. */
export function looksLikeDisco(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < MIN_LENGTH) return false
  for (let i = 0; i < 6; i++) if (bytes[start + i] !== MAGIC[i]) return false
  return true
}
