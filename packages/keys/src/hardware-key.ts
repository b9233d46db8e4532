// SPDX-License-Identifier: Apache-2.0

/**
 * Hardware attestation keys: P-256, kept in a device's security chip. Here only their text, which a
 * server passes on. Unlike all other keys, no key has the empty text.
 *
 * @module
 */

import { toHex } from '@signet/codec'
import { isUncompressedP256Point } from '@signet/crypto'
import { KeyError } from './errors.ts'
import { parsePrefixedHex } from './key-text.ts'

/** `hwattestpub:` and 130 lower-case hex digits of an uncompressed point; or nothing, for none. */
export type HardwareAttestationPublic = (`hwattestpub:${string}` | '') & {
  readonly __key: 'hardware-attestation'
}

const PREFIX = 'hwattestpub:'

/**
 * Returns the key of a text.
 *
 * @throws KeyError `bad-key-text`
 */
export function parseHardwareAttestationPublic(text: string): HardwareAttestationPublic {
  // Constructors of the brand: no key, or a checked point.
  if (text === '') return '' as HardwareAttestationPublic
  const raw = parsePrefixedHex(text, PREFIX, 65)
  if (!isUncompressedP256Point(raw)) {
    throw new KeyError('bad-key-text', 'Cannot parse hardware key: not a point of P-256')
  }
  return (PREFIX + toHex(raw)) as HardwareAttestationPublic
}
