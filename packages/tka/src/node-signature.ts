// SPDX-License-Identifier: Apache-2.0

/**
 * Node-key signatures: how the authority's keys say which nodes belong to the tailnet.
 *
 *      direct      a trusted key signs a node key, and names a wrapping key
 *      credential  a trusted key signs a wrapping key only (for wrapped auth keys)
 *      rotation    a wrapping key signs a new node key around an older signature
 *
 * This file holds the structure, its bytes and its hash. Nothing here is verified.
 *
 * @module
 */

import { blake2s256 } from '@signet/crypto'
import { CborReader, CborWriter, CodecError, equalBytes, type FieldReader } from '@signet/codec'
import { nodePublicFromBytes, type NodePublic } from '@signet/keys'
import { TkaError } from './errors.ts'

/** Kinds of node-key signature. Other numbers can be decoded, and authorise nothing. */
export const SigKind = { Invalid: 0, Direct: 1, Rotation: 2, Credential: 3 } as const

/**
 * A node-key signature as it came off the wire. Null is absent, and differs from empty only for
 * whoever compares structures: bytes and hashes leave out both.
 */
export interface NodeKeySignature {
  readonly sigKind: number
  /** The node key, in its binary form of 34 bytes; a credential has none. */
  readonly pubkey: Uint8Array | null
  /** The trusted key that signed, for direct signatures and credentials. */
  readonly keyId: Uint8Array | null
  readonly signature: Uint8Array | null
  /** The older signature that a rotation stands on. */
  readonly nested: NodeKeySignature | null
  /** The key which must sign a rotation around this signature. */
  readonly wrappingPubkey: Uint8Array | null
}

/** A signature with nothing in it, to build others from; also what a CBOR null decodes to. */
export const EMPTY_NODE_KEY_SIGNATURE: NodeKeySignature = {
  sigKind: SigKind.Invalid,
  pubkey: null,
  keyId: null,
  signature: null,
  nested: null,
  wrappingPubkey: null,
}

/**
 * Decodes a node-key signature, with the leniency of official software: what it accepts we have
 * to be able to hash, or two nodes would see different peers. Nesting is bounded by the codec.
 *
 * @throws TkaError `signature-malformed`
 */
export function decodeNodeKeySignature(bytes: Uint8Array): NodeKeySignature {
  try {
    return readSignature(new CborReader(bytes)) ?? EMPTY_NODE_KEY_SIGNATURE
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause
    throw new TkaError(
      'signature-malformed',
      `Cannot decode node-key signature: ${cause.message}`,
      { cause },
    )
  }
}

function readSignature(reader: CborReader): NodeKeySignature | null {
  const out: { -readonly [Field in keyof NodeKeySignature]: NodeKeySignature[Field] } = {
    ...EMPTY_NODE_KEY_SIGNATURE,
  }
  const fields = new Map<number, FieldReader>([
    [1, (r) => (out.sigKind = Number(r.readUint(8)))],
    [2, (r) => (out.pubkey = r.readBytes())],
    [3, (r) => (out.keyId = r.readBytes())],
    [4, (r) => (out.signature = r.readBytes())],
    [5, (r) => (out.nested = readSignature(r))],
    [6, (r) => (out.wrappingPubkey = r.readBytes())],
  ])
  return reader.readStruct(fields) ? out : null
}

/** Returns the canonical bytes. */
export function encodeNodeKeySignature(signature: NodeKeySignature): Uint8Array {
  const writer = new CborWriter()
  writeSignature(writer, signature)
  return writer.finish()
}

function writeSignature(writer: CborWriter, sig: NodeKeySignature): void {
  const byteFields = [
    [2, sig.pubkey],
    [3, sig.keyId],
    [4, sig.signature],
  ] as const
  const present = byteFields.filter(([, bytes]) => hasBytes(bytes))
  const hasWrapping = hasBytes(sig.wrappingPubkey)
  writer.map(1 + present.length + (sig.nested ? 1 : 0) + (hasWrapping ? 1 : 0))
  writer.uint(1).uint(sig.sigKind)
  for (const [field, bytes] of present) writer.uint(field).bytes(bytes)
  if (sig.nested) writeSignature(writer.uint(5), sig.nested)
  if (hasWrapping) writer.uint(6).bytes(sig.wrappingPubkey)
}

/**
 * Returns the digest that a signature is over: all fields but the signature itself, the nested
 * signature with its signatures included.
 */
export function nodeKeySigHash(signature: NodeKeySignature): Uint8Array {
  return blake2s256(encodeNodeKeySignature({ ...signature, signature: null }))
}

/**
 * Returns the key which must sign a rotation around this signature: its own, or that of the
 * nearest signature below that carries one. Null if there is none.
 *
 * Unverified: whoever wrote the signature chose it.
 */
export function unverifiedWrappingPublic(signature: NodeKeySignature): Uint8Array | null {
  let layer: NodeKeySignature | null = signature
  while (layer) {
    if (hasBytes(layer.wrappingPubkey)) return layer.wrappingPubkey
    layer = layer.sigKind === SigKind.Rotation ? layer.nested : null
  }
  return null
}

/**
 * Returns the id of the trusted key that this signature claims to come from in the end.
 *
 * @throws TkaError `signature-structure`
 */
export function unverifiedAuthorizingKeyId(signature: NodeKeySignature): Uint8Array {
  const root = innermostSignature(signature)
  if (root?.sigKind !== SigKind.Direct && root?.sigKind !== SigKind.Credential) {
    throw new TkaError(
      'signature-structure',
      'Cannot find the authorizing key: nothing at the root',
    )
  }
  if (!hasBytes(root.keyId)) {
    throw new TkaError('signature-structure', 'Cannot find the authorizing key: no key id')
  }
  return root.keyId
}

/** Returns what the rotations stand on: the signature below all of them, null if there is none. */
export function innermostSignature(signature: NodeKeySignature): NodeKeySignature | null {
  let layer: NodeKeySignature | null = signature
  while (layer?.sigKind === SigKind.Rotation) layer = layer.nested
  return layer
}

const NODE_KEY_PREFIX = Uint8Array.of(0x6e, 0x70) // "np"

/**
 * Returns the node key of a signature's `pubkey` field.
 *
 * @throws TkaError `signature-structure`, with the reason in the words of official software: they
 *   are part of a signature's text
 */
export function parseSignedNodeKey(bytes: Uint8Array | null): NodePublic {
  if (!bytes || !equalBytes(bytes.subarray(0, 2), NODE_KEY_PREFIX)) {
    throw new TkaError('signature-structure', 'missing/incorrect type prefix np')
  }
  if (bytes.length !== 34) {
    throw new TkaError(
      'signature-structure',
      `incorrect len for NodePublic (${bytes.length} != 34)`,
    )
  }
  return nodePublicFromBytes(bytes.subarray(2))
}

/** Says whether a field is there and not empty: an empty field counts as absent. */
export function hasBytes(bytes: Uint8Array | null): bytes is Uint8Array {
  return bytes !== null && bytes.length > 0
}
