// SPDX-License-Identifier: Apache-2.0

/**
 * The two rule sets for Ed25519 signatures, computed exactly on curve points. Slow (milliseconds),
 * so asked only where the machine's own verification says no.
 *
 * Two signers of one network must never disagree about a signature, and RFC 8032 leaves room to
 * disagree: points that are not canonically encoded, and points of small order.
 *
 *   ZIP-215    8SB = 8R + 8kA      any encoding of A and R that lies on the curve
 *   standard   encode(SB - kA) = R bytewise, so R is canonical; any encoding of A (Go crypto/ed25519)
 *
 * Both demand S < L; neither refuses points of small order. What the standard rule accepts,
 * ZIP-215 accepts.
 *
 * @module
 */

import type { EdwardsPoint } from '@noble/curves/abstract/edwards.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { constantTimeEqual } from './compare.ts'
import { concatenate } from './concatenate.ts'

const { Point } = ed25519

/** Order of the prime subgroup. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n

/** Says whether a signature holds under ZIP-215. Lengths must be right. */
export function verifyZip215Exact(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return ed25519.verify(signature, message, publicKey, { zip215: true })
}

/** Says whether a signature holds under the standard rule. Lengths must be right. */
export function verifyStandardExact(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const s = littleEndian(signature.subarray(32))
  const a = decodePoint(publicKey)
  if (s >= L || a === null) return false
  const r = signature.subarray(0, 32)
  const k = littleEndian(sha512(concatenate(concatenate(r, publicKey), message))) % L
  const expected = Point.BASE.multiplyUnsafe(s).add(a.negate().multiplyUnsafe(k))
  return constantTimeEqual(expected.toBytes(), r)
}

/** Returns the point that bytes encode, canonically or not, or null. */
export function decodePoint(bytes: Uint8Array): EdwardsPoint | null {
  try {
    return Point.fromBytes(bytes, true)
  } catch {
    // Of another length, or no point has this coordinate: either way it is no point.
    return null
  }
}

/** Says whether S, the second half of a signature, is below L: both rules demand it. */
export function hasReducedScalar(signature: Uint8Array): boolean {
  // L is a little more than 2^252, so the top byte alone decides about nearly every signature.
  const top = signature[63] ?? 255
  return top < 16 || (top === 16 && littleEndian(signature.subarray(32)) < L)
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0)
  return value
}
