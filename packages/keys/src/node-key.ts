// SPDX-License-Identifier: Apache-2.0

/**
 * Node keys: X25519, the WireGuard identity of a device. They rotate; a tailnet lock signs them.
 *
 * @module
 */

import { concatBytes, toBase64 } from '@signet/codec'
import { clampX25519, x25519PublicKey } from '@signet/crypto'
import { KeyError } from './errors.ts'
import { createPublicKeyText, parsePrefixedHex } from './key-text.ts'
import { PrivateKey, privateKeyBytes } from './private-key.ts'
import { randomKeyBytes } from './random.ts'
import { shortKey } from './short-key.ts'

/** `nodekey:` and 64 lower-case hex digits. */
export type NodePublic = `nodekey:${string}` & { readonly __key: 'node' }

/** The private half. */
export type NodePrivate = PrivateKey<'node'>

const text = createPublicKeyText<NodePublic>('nodekey:')

/** ASCII "np": what the binary form starts with. */
const BINARY_PREFIX = Uint8Array.of(0x6e, 0x70)

/** The key that stands for "none" on the wire. */
export const zeroNodePublic: NodePublic = text.zero

/**
 * Returns the key of a text.
 *
 * @throws KeyError `bad-key-text`
 */
export function parseNodePublic(keyText: string): NodePublic {
  return text.parse(keyText)
}

/**
 * Returns the key of 64 hex digits without a prefix, the form in WireGuard's own configuration.
 *
 * @throws KeyError `bad-key-text`
 */
export function parseUntypedNodePublic(hex: string): NodePublic {
  return text.fromBytes(parsePrefixedHex(hex, '', 32))
}

/**
 * Returns the key of 32 raw bytes.
 *
 * @throws KeyError `bad-key-bytes`
 */
export function nodePublicFromBytes(raw: Uint8Array): NodePublic {
  return text.fromBytes(raw)
}

/** Returns the 32 raw bytes. */
export function nodePublicBytes(key: NodePublic): Uint8Array {
  return text.bytes(key)
}

/** Returns the 34-byte binary form, "np" and the raw bytes: what node-key signatures carry. */
export function nodePublicBinary(key: NodePublic): Uint8Array {
  return concatBytes(BINARY_PREFIX, text.bytes(key))
}

/**
 * Returns the key of a 34-byte binary form.
 *
 * @throws KeyError `bad-key-bytes`
 */
export function parseNodePublicBinary(binary: Uint8Array): NodePublic {
  if (binary.length !== 34 || binary[0] !== BINARY_PREFIX[0] || binary[1] !== BINARY_PREFIX[1]) {
    throw new KeyError('bad-key-bytes', 'Cannot parse node key: expected "np" and 32 bytes')
  }
  return text.fromBytes(binary.subarray(2))
}

/** Says whether this is the key that stands for "none". */
export function isZeroNodePublic(key: NodePublic): boolean {
  return key === text.zero
}

/** Returns `[abcde]`, as logs show keys; empty for the zero key. */
export function shortNodeKey(key: NodePublic): string {
  return isZeroNodePublic(key) ? '' : shortKey(text.bytes(key))
}

/** Returns `peer(AbCd…wXyZ)`, as WireGuard's own logs show keys. */
export function wireguardPeerText(key: NodePublic): string {
  const base64 = toBase64(text.bytes(key))
  return `peer(${base64.slice(0, 4)}…${base64.slice(39, 43)})`
}

/** Returns a fresh private key. */
export function generateNodeKey(): NodePrivate {
  return nodePrivateFromBytes(clampX25519(randomKeyBytes(32)))
}

/**
 * Returns the private key of `privkey:` text, from a state file.
 *
 * @throws KeyError `bad-key-text`
 */
export function parseNodePrivate(keyText: string): NodePrivate {
  return nodePrivateFromBytes(parsePrefixedHex(keyText, 'privkey:', 32))
}

/**
 * Returns the private key of 32 raw bytes.
 *
 * @throws KeyError `bad-key-bytes`
 */
export function nodePrivateFromBytes(raw: Uint8Array): NodePrivate {
  return new PrivateKey('node', raw)
}

/** Returns the public half. */
export function nodePublicOf(key: NodePrivate): NodePublic {
  return text.fromBytes(x25519PublicKey(privateKeyBytes(key)))
}
