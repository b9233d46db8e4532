// SPDX-License-Identifier: Apache-2.0

/**
 * Node-key signatures, wrapped auth keys: how a node joins a locked tailnet with nobody at hand.
 *
 * A trusted key signs a fresh key pair (the credential); credential and private key travel behind
 * the auth key, and the joining node signs its own node key with them:
 *
 *     tskey-auth-...--TL<credential, base64>-<private key, base64>
 *
 * Whoever reads the wrapped key can join, for as long as the signing key is trusted.
 *
 * @module
 */

import { equalBytes, fromRawBase64, toRawBase64 } from '@signet/codec'
import { ed25519PublicKey, ed25519Sign } from '@signet/crypto'
import { nodePublicBinary, type LockPublic, type NodePublic } from '@signet/keys'
import { TkaError } from './errors.ts'
import {
  decodeNodeKeySignature,
  EMPTY_NODE_KEY_SIGNATURE,
  encodeNodeKeySignature,
  nodeKeySigHash,
  SigKind,
  type NodeKeySignature,
} from './node-signature.ts'
import { wrappingPubkey } from './rotate.ts'
import type { LockSigner } from './sign.ts'

/** A key pair that a trusted key has lent its authority to. */
export interface Credential {
  readonly signature: NodeKeySignature
  /** Seed and public key, 32 bytes each, if it is well-formed. Secret. */
  readonly privateKey: Uint8Array
}

/** An auth key, with the credential that was behind it. */
export interface ParsedAuthKey {
  /** To be sent to the server. Never holds the credential, unless that could not be read. */
  readonly authKey: string
  readonly credential: Credential | null
}

const MARKER = '--TL'
const DELIMITER = '-'

/** Returns a credential for the key pair of a fresh 32-byte seed, signed by a trusted key. */
export function createCredential(signer: LockSigner, seed: Uint8Array): Credential {
  const publicKey = ed25519PublicKey(seed)
  const unsigned = {
    ...EMPTY_NODE_KEY_SIGNATURE,
    sigKind: SigKind.Credential,
    keyId: signer.keyId,
    wrappingPubkey: publicKey,
  }
  const signature = { ...unsigned, signature: signer.sign(nodeKeySigHash(unsigned)) }
  const privateKey = new Uint8Array(64)
  privateKey.set(seed)
  privateKey.set(publicKey, 32)
  return { signature, privateKey }
}

/** Returns the text of an auth key with a credential behind it. */
export function wrapAuthKey(authKey: string, credential: Credential): string {
  const signature = toRawBase64(encodeNodeKeySignature(credential.signature))
  return `${authKey}${MARKER}${signature}${DELIMITER}${toRawBase64(credential.privateKey)}`
}

/**
 * Takes an auth key apart. Text that is not a well-formed wrapped key is an ordinary auth key, all
 * of it: never throws. The credential is not verified, nor the length of its private key.
 */
export function parseWrappedAuthKey(text: string): ParsedAuthKey {
  const unwrapped = { authKey: text, credential: null }
  const marker = text.indexOf(MARKER)
  if (marker === -1) return unwrapped
  const suffix = text.slice(marker + MARKER.length)
  const delimiter = suffix.indexOf(DELIMITER)
  if (delimiter === -1) return unwrapped
  try {
    const signature = decodeNodeKeySignature(fromRawBase64(suffix.slice(0, delimiter)))
    const privateKey = fromRawBase64(suffix.slice(delimiter + 1))
    return { authKey: text.slice(0, marker), credential: { signature, privateKey } }
  } catch {
    // Every failure has the same meaning by definition, so there is nothing to add or pass on.
    return unwrapped
  }
}

/** What to sign by credential. */
export interface SignByCredentialOptions {
  readonly nodeKey: NodePublic
  readonly credential: Credential
  /**
   * The node's own lock key, carried along as the wrapping key from here on. Without it, as in
   * official software, only the credential's key could sign a later rotation, and the node does
   * not keep that key: it needs a trusted key's signature after each change of its node key.
   * Official nodes accept both forms.
   */
  readonly rotationPublic?: LockPublic | undefined
}

/**
 * Returns a signature for a node key: a rotation over the credential, signed by its key.
 *
 * @throws TkaError `signature-structure` if it is no credential, `bad-text` if the private key is
 *   not 64 bytes with matching halves, `signature-wrapping-key`
 */
export function signByCredential(options: SignByCredentialOptions): Uint8Array {
  const { nodeKey, credential, rotationPublic } = options
  if (credential.signature.sigKind !== SigKind.Credential) {
    throw new TkaError('signature-structure', 'Cannot sign node key: the wrapped key is not one')
  }
  const unsigned = {
    ...EMPTY_NODE_KEY_SIGNATURE,
    sigKind: SigKind.Rotation,
    pubkey: nodePublicBinary(nodeKey),
    nested: credential.signature,
    wrappingPubkey: wrappingPubkey(rotationPublic),
  }
  const signature = ed25519Sign(seedOf(credential.privateKey), nodeKeySigHash(unsigned))
  return encodeNodeKeySignature({ ...unsigned, signature })
}

/**
 * The seed of a private key of 64 bytes. Signing with a public half that does not belong to it
 * would give a signature that nobody accepts, and two such signatures give the key away.
 */
function seedOf(privateKey: Uint8Array): Uint8Array {
  if (privateKey.length !== 64) {
    const length = privateKey.length
    throw new TkaError('bad-text', `Cannot sign node key: private key of ${length} bytes, not 64`)
  }
  const seed = privateKey.subarray(0, 32)
  if (!equalBytes(ed25519PublicKey(seed), privateKey.subarray(32))) {
    throw new TkaError('bad-text', 'Cannot sign node key: the halves of its key do not match')
  }
  return seed
}
