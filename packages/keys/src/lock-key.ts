// SPDX-License-Identifier: Apache-2.0

/**
 * Lock keys: Ed25519, sign node keys and updates of the authority. Official software calls them
 * network-lock keys on the wire (`nlpub:`) and tailnet-lock keys on screens (`tlpub:`); both texts
 * are read as the same key.
 *
 * @module
 */

import { concatBytes, equalBytes } from '@signet/codec'
import { ed25519PublicKey, ed25519Sign } from '@signet/crypto'
import { KeyError } from './errors.ts'
import { createPublicKeyText, parsePrefixedHex } from './key-text.ts'
import { PrivateKey, privateKeyBytes } from './private-key.ts'
import { randomKeyBytes } from './random.ts'

/** `nlpub:` and 64 lower-case hex digits. */
export type LockPublic = `nlpub:${string}` & { readonly __key: 'lock' }

/** The private half: 32 bytes of seed, 32 bytes of public key. */
export type LockPrivate = PrivateKey<'lock'>

/** Something that signs for a lock key: the key itself, or hardware that holds it. */
export interface LockSigner {
  /** The public key's 32 bytes, which are also its id. */
  readonly keyId: Uint8Array
  /** Returns an Ed25519 signature of a hash. */
  sign(digest: Uint8Array): Uint8Array
}

const CLI_PREFIX = 'tlpub:'
const text = createPublicKeyText<LockPublic>('nlpub:')

/** The key that stands for "none" on the wire. */
export const zeroLockPublic: LockPublic = text.zero

/**
 * Returns the key of a text, `nlpub:` or `tlpub:`.
 *
 * @throws KeyError `bad-key-text`
 */
export function parseLockPublic(keyText: string): LockPublic {
  if (!keyText.startsWith(CLI_PREFIX)) return text.parse(keyText)
  return text.fromBytes(parsePrefixedHex(keyText, CLI_PREFIX, 32))
}

/**
 * Returns the key of 32 raw bytes.
 *
 * @throws KeyError `bad-key-bytes`
 */
export function lockPublicFromBytes(raw: Uint8Array): LockPublic {
  return text.fromBytes(raw)
}

/** Returns the 32 raw bytes. */
export function lockPublicBytes(key: LockPublic): Uint8Array {
  return text.bytes(key)
}

/** Returns the id by which updates and signatures name the key: its 32 raw bytes. */
export function lockKeyId(key: LockPublic): Uint8Array {
  return text.bytes(key)
}

/** Returns the `tlpub:` text, for people. */
export function lockPublicCliText(key: LockPublic): string {
  return key.replace('nlpub:', CLI_PREFIX)
}

/** Says whether this is the key that stands for "none". */
export function isZeroLockPublic(key: LockPublic): boolean {
  return key === text.zero
}

/** Returns a fresh private key. */
export function generateLockKey(): LockPrivate {
  return lockPrivateFromSeed(randomKeyBytes(32))
}

/**
 * Returns the private key of a 32-byte seed (RFC 8032).
 *
 * @throws KeyError `bad-key-bytes`
 */
export function lockPrivateFromSeed(seed: Uint8Array): LockPrivate {
  if (seed.length !== 32) {
    throw new KeyError('bad-key-bytes', `Cannot make lock key: expected 32 bytes of seed`)
  }
  return new PrivateKey('lock', concatBytes(seed, ed25519PublicKey(seed)))
}

/**
 * Returns the private key of 64 raw bytes, seed and public half.
 *
 * @throws KeyError `bad-key-bytes`
 */
export function lockPrivateFromBytes(raw: Uint8Array): LockPrivate {
  return new PrivateKey('lock', raw)
}

/**
 * Returns the private key of `nlpriv:` text, from a state file. Like official software, does not
 * compute whether its halves belong together; {@link lockSigner} does.
 *
 * @throws KeyError `bad-key-text`
 */
export function parseLockPrivate(keyText: string): LockPrivate {
  return lockPrivateFromBytes(parsePrefixedHex(keyText, 'nlpriv:', 64))
}

/** Returns the public half. */
export function lockPublicOf(key: LockPrivate): LockPublic {
  return text.fromBytes(privateKeyBytes(key).subarray(32))
}

/**
 * Returns a signer. Refuses a key whose halves do not belong together: signing for a wrong public
 * half tells the seed to whoever sees two such signatures.
 *
 * @throws KeyError `mismatched-lock-key`
 */
export function lockSigner(key: LockPrivate): LockSigner {
  const bytes = privateKeyBytes(key)
  const seed = bytes.subarray(0, 32)
  const keyId = ed25519PublicKey(seed)
  if (!equalBytes(keyId, bytes.subarray(32))) {
    throw new KeyError(
      'mismatched-lock-key',
      'Cannot sign: public half of the lock key is not that of its seed',
    )
  }
  return { keyId, sign: (digest) => ed25519Sign(seed, digest) }
}
