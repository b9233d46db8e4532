// SPDX-License-Identifier: Apache-2.0

/**
 * The whole of the platform that this package may touch: its random number generator, in
 * `random.ts` and nowhere else.
 */

declare const crypto: {
  getRandomValues<T extends Uint8Array>(array: T): T
}
