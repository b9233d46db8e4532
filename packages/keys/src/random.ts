// SPDX-License-Identifier: Apache-2.0

/**
 * The one place of the pure packages that draws randomness.
 *
 * @module
 */

/** Returns random bytes fit for keys. */
export function randomKeyBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length))
}
