// SPDX-License-Identifier: Apache-2.0

/**
 * Comparison of secrets.
 *
 * @module
 */

/** Says whether two byte strings are equal, in a time that depends on their lengths only. */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}
