// SPDX-License-Identifier: Apache-2.0

/**
 * DERP mesh keys: 32 bytes that relays of one region share. They come from a file that people edit,
 * so white space around them is no error.
 *
 * @module
 */

import { toHex } from '@signet/codec'
import { parsePrefixedHex } from './key-text.ts'
import { PrivateKey, privateKeyBytes } from './private-key.ts'

/** A secret, although it has no public half. */
export type DerpMeshKey = PrivateKey<'derp-mesh'>

/**
 * Returns the key of 64 hex digits.
 *
 * @throws KeyError `bad-key-text`
 */
export function parseDerpMeshKey(text: string): DerpMeshKey {
  return new PrivateKey('derp-mesh', parsePrefixedHex(text.trim(), '', 32))
}

/** Returns the 64 hex digits: for the other relays, and nobody else. */
export function derpMeshKeyText(key: DerpMeshKey): string {
  return toHex(privateKeyBytes(key))
}
