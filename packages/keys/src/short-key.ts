// SPDX-License-Identifier: Apache-2.0

/**
 * The short forms of keys in logs.
 *
 * @module
 */

import { toBase64 } from '@signet/codec'

/** Returns the first five base64 characters of a key, in brackets. */
export function shortKey(raw: Uint8Array): string {
  return `[${toBase64(raw).slice(0, 5)}]`
}
