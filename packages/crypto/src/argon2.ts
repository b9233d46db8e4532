// SPDX-License-Identifier: Apache-2.0

/**
 * Argon2i (RFC 9106), version 0x13: what turns a disablement secret into its public value.
 *
 * @module
 */

import { platform } from '#platform'

/** The inputs of Argon2, named as in the RFC. */
export interface Argon2Options {
  readonly password: Uint8Array
  readonly salt: Uint8Array
  /** Time cost t. */
  readonly passes: number
  /** Memory cost m, in KiB. */
  readonly memoryKiB: number
  /** Lanes p. */
  readonly parallelism: number
  /** Bytes to return. */
  readonly length: number
}

/**
 * Returns the Argon2i hash. Costs what it should: callers bound how often strangers can ask for it.
 * Under Node it runs off the event loop.
 */
export async function argon2i(options: Argon2Options): Promise<Uint8Array> {
  return await platform.argon2i(options)
}
