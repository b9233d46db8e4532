// SPDX-License-Identifier: Apache-2.0

/**
 * Ed25519 points of small order: the eight points of order 1, 2, 4 and 8, in their fourteen
 * encodings. Under such a public key anybody can make signatures that hold.
 *
 * @module
 */

const P = 2n ** 255n - 19n
const SIGN_BIT = 1n << 255n
/** The y of the points of order 8; the others have the negative of it. */
const ORDER_8_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n

/** All y of such points, two of them also as written by who adds P. Either sign of x will do. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  P,
  P + 1n,
  ORDER_8_Y,
  P - ORDER_8_Y,
])

/**
 * Says whether a public key is of small order. Bytes that are no point are not of small order. A
 * look-up, because it is asked for each signature of a map.
 */
export function isSmallOrder(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false
  let encoded = 0n
  const view = new DataView(publicKey.buffer, publicKey.byteOffset, 32)
  for (const offset of [24, 16, 8, 0]) encoded = (encoded << 64n) | view.getBigUint64(offset, true)
  return SMALL_ORDER_Y.has(encoded & (SIGN_BIT - 1n))
}
