// SPDX-License-Identifier: Apache-2.0

/**
 * NIST P-256 (FIPS 186-5): only to tell public keys of hardware attestation from other bytes.
 *
 * @module
 */

import { p256 } from '@noble/curves/nist.js'

/** Says whether 65 bytes are an uncompressed point of the curve. */
export function isUncompressedP256Point(bytes: Uint8Array): boolean {
  return bytes.length === 65 && p256.utils.isValidPublicKey(bytes, false)
}
