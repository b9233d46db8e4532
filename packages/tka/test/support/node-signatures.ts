// SPDX-License-Identifier: Apache-2.0

/** Keys, and node-key signatures of any shape, signed whoever has to sign them. */

import { ed25519PublicKey, ed25519Sign } from '@signet/crypto'
import { nodePublicBinary, nodePublicFromBytes, type NodePublic } from '@signet/keys'
import {
  EMPTY_NODE_KEY_SIGNATURE,
  encodeNodeKeySignature,
  indexTrustedKeys,
  KeyKind,
  nodeKeySigHash,
  SigKind,
  type Key,
  type LockSigner,
  type NodeKeySignature,
  type TrustedKeys,
} from '../../src/index.ts'

/** The lock key whose seed is one byte, 32 times. */
export function lockKey(byte: number): LockSigner {
  const seed = new Uint8Array(32).fill(byte)
  return { keyId: ed25519PublicKey(seed), sign: (digest) => ed25519Sign(seed, digest) }
}

/** The node key that is one byte, 32 times. */
export function nodeKey(byte: number): NodePublic {
  return nodePublicFromBytes(new Uint8Array(32).fill(byte))
}

/** An index of these keys, one vote each. */
export function trust(...signers: readonly LockSigner[]): TrustedKeys {
  return indexTrustedKeys(signers.map(({ keyId }) => trustedKey(keyId)))
}

/** A trusted key with these bytes. */
export function trustedKey(publicBytes: Uint8Array, kind: number = KeyKind.Ed25519): Key {
  return { kind, votes: 1n, public: publicBytes, meta: null }
}

/** Signs a layer as it is. */
export function signed(
  parts: Partial<NodeKeySignature>,
  signer: LockSigner,
): NodeKeySignature & { readonly signature: Uint8Array } {
  const unsigned = { ...EMPTY_NODE_KEY_SIGNATURE, ...parts, signature: null }
  return { ...unsigned, signature: signer.sign(nodeKeySigHash(unsigned)) }
}

/** A direct signature of a node key. */
export function direct(
  key: NodePublic,
  signer: LockSigner,
  wrapping?: LockSigner,
): NodeKeySignature {
  const parts = { sigKind: SigKind.Direct, pubkey: nodePublicBinary(key), keyId: signer.keyId }
  return signed({ ...parts, wrappingPubkey: wrapping?.keyId ?? null }, signer)
}

/** A credential for a wrapping key. */
export function credential(signer: LockSigner, wrapping: LockSigner): NodeKeySignature {
  const parts = { sigKind: SigKind.Credential, keyId: signer.keyId }
  return signed({ ...parts, wrappingPubkey: wrapping.keyId }, signer)
}

/** A rotation to a node key, around an older signature. */
export function rotation(
  key: NodePublic,
  nested: NodeKeySignature,
  signer: LockSigner,
  wrapping?: LockSigner,
): NodeKeySignature {
  const parts = { sigKind: SigKind.Rotation, pubkey: nodePublicBinary(key), nested }
  return signed({ ...parts, wrappingPubkey: wrapping?.keyId ?? null }, signer)
}

/** The bytes of a signature. */
export function bytesOf(signature: NodeKeySignature): Uint8Array {
  return encodeNodeKeySignature(signature)
}

/** How many levels a signature has. */
export function depthOf(signature: NodeKeySignature): number {
  return 1 + (signature.nested ? depthOf(signature.nested) : 0)
}
