// SPDX-License-Identifier: Apache-2.0

/**
 * Node-key signatures: making them. A trusted key signs a node key once; from then on the node
 * changes its key by itself, each time wrapping the old signature in a rotation:
 *
 *     rotation(key 3) -> rotation(key 2) -> direct(key 1, wrapping key W)
 *      signed by W        signed by W        signed by a trusted key
 *
 * Signatures deeper than 16 levels cannot be decoded, so a chain that is full is trimmed.
 *
 * @module
 */

import { equalBytes } from '@signet/codec'
import { isSmallOrder } from '@signet/crypto'
import { lockKeyId, nodePublicBinary, type LockPublic, type NodePublic } from '@signet/keys'
import { TkaError } from './errors.ts'
import { MAX_NODE_SIGNATURE_LEVELS } from './node-signature-limits.ts'
import {
  decodeNodeKeySignature,
  EMPTY_NODE_KEY_SIGNATURE,
  encodeNodeKeySignature,
  hasBytes,
  nodeKeySigHash,
  SigKind,
  type NodeKeySignature,
} from './node-signature.ts'
import type { LockSigner } from './sign.ts'

/** What to sign directly, and by whom. */
export interface SignNodeKeyOptions {
  readonly nodeKey: NodePublic
  /** The node's own lock key, which may later rotate the node key. */
  readonly rotationPublic?: LockPublic | undefined
  /** A trusted key. */
  readonly signer: LockSigner
}

/**
 * Returns a direct signature. Without a rotation key the field is left out, and the node cannot
 * rotate its key: official software writes 32 zero bytes there, under which anybody can rotate.
 * An all-zero rotation key counts as none.
 *
 * @throws TkaError `signature-wrapping-key`
 */
export function signNodeKey(options: SignNodeKeyOptions): Uint8Array {
  const { nodeKey, rotationPublic, signer } = options
  const unsigned = {
    ...EMPTY_NODE_KEY_SIGNATURE,
    sigKind: SigKind.Direct,
    pubkey: nodePublicBinary(nodeKey),
    keyId: signer.keyId,
    wrappingPubkey: wrappingPubkey(rotationPublic),
  }
  return encodeNodeKeySignature(signLayer(unsigned, signer))
}

/**
 * Returns the bytes to write as wrapping key: null for no key, also when it is all zeros.
 *
 * @throws TkaError `signature-wrapping-key`
 */
export function wrappingPubkey(key: LockPublic | undefined): Uint8Array | null {
  if (key === undefined) return null
  const bytes = lockKeyId(key)
  if (bytes.every((byte) => byte === 0)) return null
  if (!isSmallOrder(bytes)) return bytes
  throw new TkaError(
    'signature-wrapping-key',
    'Cannot use wrapping key: anybody can sign under a key of small order',
  )
}

/** What to rotate, and to what. */
export interface ResignNodeKeyOptions {
  /** The new node key. */
  readonly nodeKey: NodePublic
  /** The signature of the old one, as received. */
  readonly old: Uint8Array
  /** The node's own lock key: has to be the wrapping key for the result to verify. */
  readonly signer: LockSigner
}

/**
 * Returns a signature for a new node key that stands on the old signature. If the old one is for
 * this very key, returns its bytes as they are.
 *
 * Nothing is verified: if the signer is not the wrapping key, the result is a signature that no
 * node accepts, and the node has to be signed by a trusted key again.
 *
 * @throws TkaError `signature-malformed` if the old signature is none, `signature-too-deep`
 */
export function resignNodeKey(options: ResignNodeKeyOptions): Uint8Array {
  const { nodeKey, old, signer } = options
  const decoded = decodeNodeKeySignature(old)
  const pubkey = nodePublicBinary(nodeKey)
  if (equalBytes(pubkey, decoded.pubkey ?? new Uint8Array())) return old
  return encodeNodeKeySignature(rotateLayer(pubkey, trimRotations(decoded, signer), signer))
}

/**
 * Returns a signature with room for one more level around it. A full one is rebuilt: what stands
 * at its root is kept, and on top of it the newest rotations, signed anew by `signer`.
 *
 * The root is the innermost signature; but if that names another wrapping key, and a rotation had
 * replaced it by the signer's, then that rotation with all below it: signed by the key before, it
 * cannot be made again.
 * (Official software rebuilds on the innermost signature always, and counts keys, not levels; in
 * both cases the result can be one that nobody accepts.)
 *
 * @throws TkaError `signature-too-deep`: a trusted key has to sign the node again
 */
export function trimRotations(signature: NodeKeySignature, signer: LockSigner): NodeKeySignature {
  const levels = levelsOf(signature)
  if (levels.length < MAX_NODE_SIGNATURE_LEVELS) return signature
  const rootAt = rootIndex(levels, signer)
  const root = levels[rootAt]
  const room = MAX_NODE_SIGNATURE_LEVELS - 1 - (levels.length - rootAt)
  if (!root || room < 0) {
    throw new TkaError(
      'signature-too-deep',
      'Cannot rotate node key: none of the 16 levels below can be left out',
    )
  }
  return levels
    .slice(0, Math.min(rootAt, room))
    .reduceRight((nested, layer) => rotateLayer(layer.pubkey, nested, signer), root)
}

/** A signature and all that it nests, outermost first. */
function levelsOf(signature: NodeKeySignature): NodeKeySignature[] {
  const levels: NodeKeySignature[] = []
  let layer: NodeKeySignature | null = signature
  while (layer) {
    levels.push(layer)
    layer = layer.sigKind === SigKind.Rotation ? layer.nested : null
  }
  return levels
}

function rootIndex(levels: readonly NodeKeySignature[], signer: LockSigner): number {
  const innermost = levels.length - 1
  const wraps = (layer: NodeKeySignature | undefined): boolean =>
    equalBytes(layer?.wrappingPubkey ?? new Uint8Array(), signer.keyId)
  if (wraps(levels[innermost])) return innermost
  const current = levels.findIndex((layer) => hasBytes(layer.wrappingPubkey))
  return wraps(levels[current]) ? current : innermost
}

function rotateLayer(
  pubkey: Uint8Array | null,
  nested: NodeKeySignature,
  signer: LockSigner,
): NodeKeySignature {
  return signLayer(
    { ...EMPTY_NODE_KEY_SIGNATURE, sigKind: SigKind.Rotation, pubkey, nested },
    signer,
  )
}

function signLayer(unsigned: NodeKeySignature, signer: LockSigner): NodeKeySignature {
  return { ...unsigned, signature: signer.sign(nodeKeySigHash(unsigned)) }
}
