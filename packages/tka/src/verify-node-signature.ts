// SPDX-License-Identifier: Apache-2.0

/**
 * Node-key signatures: does this signature let this node key into the tailnet?
 *
 *     bytes, node key --claimNodeKey---> claim: structure sound, checks still to be done
 *     claim, results  --proveClaim-----> proof: the maths holds, whoever is trusted
 *     proof, keys     --authorizeProof-> authorization: a key trusted now stands behind it
 *
 * The maths does not depend on which keys are trusted, so a proof may be kept for as long as the
 * pair of bytes and node key lives; trust is looked up anew each time. The checks come as a list,
 * so that they can be run elsewhere than on the event loop.
 *
 * Rules are those of official nodes: ZIP-215 under trusted keys, Go's cofactorless rule under
 * wrapping keys. Stricter on purpose: a wrapping key of small order is refused, because anybody
 * can sign under it, and with it take over a node; and signatures of more than 8 KiB are.
 *
 * @module
 */

import { equalBytes, toHex } from '@signet/codec'
import { isSmallOrder, verifyStandard, verifyZip215 } from '@signet/crypto'
import { nodePublicBinary, type NodePublic } from '@signet/keys'
import { TkaError, type TkaErrorCode } from './errors.ts'
import { MAX_NODE_SIGNATURE_BYTES } from './node-signature-limits.ts'
import {
  decodeNodeKeySignature,
  hasBytes,
  nodeKeySigHash,
  parseSignedNodeKey,
  SigKind,
  unverifiedWrappingPublic,
  type NodeKeySignature,
} from './node-signature.ts'
import type { TrustedKeys } from './trusted-keys.ts'

/** One ed25519 check: `zip215` under trusted keys, `standard` (Go's) under wrapping keys. */
export interface SignatureCheck {
  readonly rule: 'zip215' | 'standard'
  readonly public: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/** What a rotation says about the past of its node. */
export interface RotationDetails {
  /** The node keys that were rotated out, newest first. */
  readonly previousNodeKeys: readonly NodePublic[]
  /** The direct signature or credential that the rotations stand on. */
  readonly initialSignature: NodeKeySignature
}

/** A signature whose structure is sound, and whose `checks` have not been done. */
export interface NodeKeyClaim {
  readonly nodeKey: NodePublic
  readonly signature: NodeKeySignature
  readonly authorizingKeyId: Uint8Array
  /** Null for a direct signature. */
  readonly rotation: RotationDetails | null
  /** All of them have to hold. Outermost layer first. */
  readonly checks: readonly SignatureCheck[]
}

declare const proven: unique symbol

/** A claim whose checks all hold. Says nothing about trust in the key that it comes from. */
export interface NodeKeyProof extends Omit<NodeKeyClaim, 'checks'> {
  readonly [proven]: true
}

/** What a proof says, once the key behind it was found to be trusted. */
export type NodeKeyAuthorization = Omit<NodeKeyClaim, 'checks'>

/** How the checks of a claim are done; the default is that of `@signet/crypto`, in place. */
export type SignatureVerifier = (check: SignatureCheck) => boolean

/**
 * Decodes a signature, requires that it is for this node key, and lists the checks to be done.
 * Work is bounded: at most 8 KiB, at most 16 levels, one check for each level.
 *
 * @throws TkaError `signature-too-large`, `signature-malformed`, `signature-credential`,
 *   `signature-node-key`, `signature-structure`, `signature-wrapping-key`
 */
export function claimNodeKey(bytes: Uint8Array, nodeKey: NodePublic): NodeKeyClaim {
  const signature = parseNodeKeySignature(bytes)
  if (signature.sigKind === SigKind.Credential) {
    throw refusal('signature-credential', 'a credential alone does not name a node key')
  }
  if (!equalBytes(nodePublicBinary(nodeKey), signature.pubkey ?? new Uint8Array())) {
    throw refusal('signature-node-key', 'it is for another node key')
  }
  const checks: SignatureCheck[] = []
  const previousNodeKeys: NodePublic[] = []
  let layer = signature
  while (layer.sigKind === SigKind.Rotation) {
    const { nested } = layer
    if (!nested) throw refusal('signature-structure', 'a rotation has to stand on a signature')
    checks.push(signatureCheck('standard', wrappingKey(nested), layer))
    // A credential needs no node key; but if it has one, that one counts as rotated out.
    if (nested.sigKind !== SigKind.Credential || hasBytes(nested.pubkey)) {
      previousNodeKeys.push(parseSignedNodeKey(nested.pubkey))
    }
    layer = nested
  }
  const authorizingKeyId = rootKeyId(layer)
  checks.push(signatureCheck('zip215', authorizingKeyId, layer))
  const rotation = layer === signature ? null : { previousNodeKeys, initialSignature: layer }
  return { nodeKey, signature, authorizingKeyId, rotation, checks }
}

function parseNodeKeySignature(bytes: Uint8Array): NodeKeySignature {
  if (bytes.length > MAX_NODE_SIGNATURE_BYTES) {
    const sizes = `expected at most ${MAX_NODE_SIGNATURE_BYTES} bytes, got ${bytes.length}`
    throw refusal('signature-too-large', sizes)
  }
  return decodeNodeKeySignature(bytes)
}

/** The key that has to sign a rotation around `nested`. */
function wrappingKey(nested: NodeKeySignature): Uint8Array {
  const wrapping = unverifiedWrappingPublic(nested)
  if (!wrapping) throw refusal('signature-structure', 'nothing below names a wrapping key')
  if (wrapping.length !== 32) {
    throw refusal('signature-structure', `wrapping key of ${wrapping.length} bytes, not 32`)
  }
  // With a public key of small order, [h]A vanishes for one h in eight or more: a signature can
  // then be made by trying, without any private key.
  if (isSmallOrder(wrapping)) {
    throw refusal('signature-wrapping-key', 'anybody can sign under a wrapping key of small order')
  }
  return wrapping
}

function rootKeyId(root: NodeKeySignature): Uint8Array {
  if (root.sigKind !== SigKind.Direct && root.sigKind !== SigKind.Credential) {
    throw refusal('signature-structure', `unknown signature kind ${root.sigKind}`)
  }
  if (root.nested) throw refusal('signature-structure', 'only rotations may nest a signature')
  if (!root.keyId || root.keyId.length !== 32) {
    throw refusal('signature-structure', `key id of ${root.keyId?.length ?? 0} bytes, not 32`)
  }
  return root.keyId
}

function signatureCheck(
  rule: SignatureCheck['rule'],
  key: Uint8Array,
  layer: NodeKeySignature,
): SignatureCheck {
  const { signature } = layer
  if (signature?.length !== 64) {
    const length = signature?.length ?? 0
    throw refusal('signature-structure', `signature of ${length} bytes, not 64`)
  }
  return { rule, public: key, message: nodeKeySigHash(layer), signature }
}

/** Does one check in place. */
export function verifySignatureCheck(check: SignatureCheck): boolean {
  const verify = check.rule === 'zip215' ? verifyZip215 : verifyStandard
  return verify(check.public, check.message, check.signature)
}

/**
 * Turns a claim into a proof, given the result of each of its checks in their order.
 *
 * @throws TkaError `signature-invalid`, unless there is exactly one true for each check
 */
export function proveClaim(claim: NodeKeyClaim, results: readonly boolean[]): NodeKeyProof {
  const holds = results.length === claim.checks.length && results.every((result) => result)
  if (!holds || claim.checks.length === 0) {
    throw refusal('signature-invalid', 'an ed25519 signature does not verify')
  }
  const { nodeKey, signature, authorizingKeyId, rotation } = claim
  // The brand's only constructor.
  return { nodeKey, signature, authorizingKeyId, rotation } as NodeKeyProof
}

/**
 * Checks structure and maths of a signature in place. The result depends on the arguments only,
 * so it may be cached by (bytes, node key), refusals too.
 *
 * @throws TkaError as {@link claimNodeKey} and {@link proveClaim}
 */
export function proveNodeKey(
  bytes: Uint8Array,
  nodeKey: NodePublic,
  verify: SignatureVerifier = verifySignatureCheck,
): NodeKeyProof {
  return checkClaim(claimNodeKey(bytes, nodeKey), verify)
}

/** Does the checks of a claim in place, up to the first that fails. */
function checkClaim(claim: NodeKeyClaim, verify: SignatureVerifier): NodeKeyProof {
  const holds = claim.checks.every((check) => verify(check))
  return proveClaim(
    claim,
    claim.checks.map(() => holds),
  )
}

/**
 * Requires that the key behind a proof is trusted.
 *
 * @throws TkaError `signature-untrusted`
 */
export function authorizeProof(trusted: TrustedKeys, proof: NodeKeyProof): NodeKeyAuthorization {
  requireTrusted(trusted, proof.authorizingKeyId)
  const { nodeKey, signature, authorizingKeyId, rotation } = proof
  return { nodeKey, signature, authorizingKeyId, rotation }
}

/**
 * Requires that a signature lets a node key into the tailnet: structure, trust and maths in one.
 * Trust is looked at before the maths, so that signatures by nobody cost no curve arithmetic.
 *
 * @throws TkaError as {@link claimNodeKey}, {@link authorizeProof} and {@link proveClaim}
 */
export function authorizeNodeKey(
  trusted: TrustedKeys,
  nodeKey: NodePublic,
  bytes: Uint8Array,
  verify: SignatureVerifier = verifySignatureCheck,
): NodeKeyAuthorization {
  const claim = claimNodeKey(bytes, nodeKey)
  requireTrusted(trusted, claim.authorizingKeyId)
  return authorizeProof(trusted, checkClaim(claim, verify))
}

function requireTrusted(trusted: TrustedKeys, keyId: Uint8Array): void {
  if (trusted.has(keyId)) return
  throw refusal('signature-untrusted', `the key ${toHex(keyId)} is not trusted`)
}

function refusal(code: TkaErrorCode, reason: string): TkaError {
  return new TkaError(code, `Cannot accept node-key signature: ${reason}`)
}
