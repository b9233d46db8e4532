// SPDX-License-Identifier: Apache-2.0

/**
 * Hashes: BLAKE2s (RFC 7693) for the authority, Noise and WireGuard; SHA-256 (FIPS 180-4) for the
 * rest; HMAC (RFC 2104); HKDF as Noise and WireGuard use it.
 *
 * @module
 */

import { platform } from '#platform'
import { blake2s } from '@noble/hashes/blake2.js'
import { concatenate } from './concatenate.ts'

/** Returns the 32-byte unkeyed BLAKE2s hash. */
export function blake2s256(data: Uint8Array): Uint8Array {
  return platform.blake2s256(data)
}

/**
 * Returns the keyed BLAKE2s hash of 1 to 32 bytes, under a key of 1 to 32 bytes. (Not HMAC: the key
 * and the length go into the hash's parameter block, which no native library here offers.)
 */
export function blake2sKeyed(key: Uint8Array, data: Uint8Array, length: number): Uint8Array {
  return blake2s(data, { key, dkLen: length })
}

/** Returns HMAC with BLAKE2s-256. */
export function hmacBlake2s(key: Uint8Array, data: Uint8Array): Uint8Array {
  return platform.hmacBlake2s(key, data)
}

/**
 * Returns `count` keys of 32 bytes (at most 255): HKDF (RFC 5869) with HMAC-BLAKE2s and empty info,
 * the key derivation of Noise and WireGuard.
 */
export function hkdfBlake2s(salt: Uint8Array, input: Uint8Array, count: number): Uint8Array[] {
  const root = hmacBlake2s(salt, input)
  const keys: Uint8Array[] = []
  let last: Uint8Array = new Uint8Array(0)
  for (let i = 1; i <= count; i++) {
    last = hmacBlake2s(root, concatenate(last, Uint8Array.of(i)))
    keys.push(last)
  }
  return keys
}

/** Returns the SHA-256 hash. */
export function sha256(data: Uint8Array): Uint8Array {
  return platform.sha256(data)
}

/** Returns HMAC with SHA-256. */
export function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  return platform.hmacSha256(key, data)
}
