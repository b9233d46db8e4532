// SPDX-License-Identifier: Apache-2.0

/**
 * Machine keys: X25519, one per installation, identify a device to its coordination server. The
 * server's own key is of the same type.
 *
 * @module
 */

import { clampX25519, x25519PublicKey } from '@signet/crypto'
import { createPublicKeyText, parsePrefixedHex } from './key-text.ts'
import { PrivateKey, privateKeyBytes } from './private-key.ts'
import { randomKeyBytes } from './random.ts'
import { shortKey } from './short-key.ts'

/** `mkey:` and 64 lower-case hex digits. */
export type MachinePublic = `mkey:${string}` & { readonly __key: 'machine' }

/** The private half, which never leaves the machine. */
export type MachinePrivate = PrivateKey<'machine'>

const text = createPublicKeyText<MachinePublic>('mkey:')

/** The key that stands for "none" on the wire. */
export const zeroMachinePublic: MachinePublic = text.zero

/**
 * Returns the key of a text.
 *
 * @throws KeyError `bad-key-text`
 */
export function parseMachinePublic(keyText: string): MachinePublic {
  return text.parse(keyText)
}

/**
 * Returns the key of 32 raw bytes.
 *
 * @throws KeyError `bad-key-bytes`
 */
export function machinePublicFromBytes(raw: Uint8Array): MachinePublic {
  return text.fromBytes(raw)
}

/** Returns the 32 raw bytes. */
export function machinePublicBytes(key: MachinePublic): Uint8Array {
  return text.bytes(key)
}

/** Says whether this is the key that stands for "none". */
export function isZeroMachinePublic(key: MachinePublic): boolean {
  return key === text.zero
}

/** Returns `[abcde]`, as logs show keys; empty for the zero key. */
export function shortMachineKey(key: MachinePublic): string {
  return isZeroMachinePublic(key) ? '' : shortKey(text.bytes(key))
}

/** Returns a fresh private key. */
export function generateMachineKey(): MachinePrivate {
  return machinePrivateFromBytes(clampX25519(randomKeyBytes(32)))
}

/**
 * Returns the private key of `privkey:` text, from a state file.
 *
 * @throws KeyError `bad-key-text`
 */
export function parseMachinePrivate(keyText: string): MachinePrivate {
  return machinePrivateFromBytes(parsePrefixedHex(keyText, 'privkey:', 32))
}

/**
 * Returns the private key of 32 raw bytes.
 *
 * @throws KeyError `bad-key-bytes`
 */
export function machinePrivateFromBytes(raw: Uint8Array): MachinePrivate {
  return new PrivateKey('machine', raw)
}

/** Returns the public half. */
export function machinePublicOf(key: MachinePrivate): MachinePublic {
  return text.fromBytes(x25519PublicKey(privateKeyBytes(key)))
}
