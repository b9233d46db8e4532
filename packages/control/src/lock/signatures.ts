// SPDX-License-Identifier: Apache-2.0

/**
 * Node-key signatures on the server: checked before they are stored, and judged again whenever the trusted
 * keys change. The maths of one is done once; who is trusted is looked up each time.
 *
 * Only what the platform's own check accepts is stored, which is stricter than either rule that clients use:
 * so no two clients can disagree about what we hand out, and forged input never buys the slow exact check.
 *
 * @module
 */

import { equalBytes } from '@signet/codec'
import { createVerifier, CryptoError, isSmallOrder } from '@signet/crypto'
import type { NodePublic } from '@signet/keys'
import {
  authorizeNodeKey,
  authorizeProof,
  claimNodeKey,
  decodeNodeKeySignature,
  encodeNodeKeySignature,
  indexTrustedKeys,
  proveClaim,
  TkaError,
} from '@signet/tka'
import type {
  NodeKeyAuthorization,
  NodeKeyProof,
  NodeKeySignature,
  SignatureCheck,
  State,
  TrustedKeys,
} from '@signet/tka'
import type { NodeRow } from '../store/rows.ts'
import type { LockState } from './state.ts'

/** How a node's stored signature stands now. */
export type SignatureState = 'off' | 'missing' | 'valid' | 'invalid'

const trustedCache = new WeakMap<State, TrustedKeys>()
const proofCache = new WeakMap<Uint8Array, NodeKeyProof | null>()

/** The keys that a state trusts, indexed once per state. */
export function trustedKeysOf(state: State): TrustedKeys {
  let trusted = trustedCache.get(state)
  if (trusted === undefined) {
    trusted = indexTrustedKeys(state.keys)
    trustedCache.set(state, trusted)
  }
  return trusted
}

/**
 * Checks a signature that somebody sends, completely: canonical form, wrapping keys, structure, trust, maths.
 *
 * @throws TkaError with the reason
 */
export function checkNodeKeySignature(
  state: State,
  nodeKey: NodePublic,
  bytes: Uint8Array,
): NodeKeyAuthorization {
  const signature = decodeNodeKeySignature(bytes)
  // First: to whoever left the key out, this is the reason that helps.
  requireSoundWrapping(signature)
  claimNodeKey(bytes, nodeKey)
  if (!equalBytes(encodeNodeKeySignature(signature), bytes)) {
    throw new TkaError(
      'signature-malformed',
      'Cannot accept node-key signature: not in canonical form',
    )
  }
  try {
    return authorizeNodeKey(trustedKeysOf(state), nodeKey, bytes, strictCheck)
  } catch (cause) {
    if (cause instanceof CryptoError) {
      throw new TkaError(
        'signature-invalid',
        'Cannot accept node-key signature: it does not verify',
        {
          cause,
        },
      )
    }
    throw cause
  }
}

/** Judges the signature that is stored for a node, under the keys that are trusted now. */
export function signatureState(lock: LockState, row: NodeRow): SignatureState {
  if (lock.active === null) return 'off'
  if (row.signature === null) return 'missing'
  return authorizationOf(lock, row) === null ? 'invalid' : 'valid'
}

/** The authorization that a node's stored signature gives it now; null when it gives none. */
export function authorizationOf(lock: LockState, row: NodeRow): NodeKeyAuthorization | null {
  if (lock.active === null || row.signature === null) return null
  const proof = storedProof(row.signature, row.nodeKey)
  if (proof === null) return null
  try {
    return authorizeProof(trustedKeysOf(lock.active.authority.state), proof)
  } catch (error) {
    if (error instanceof TkaError) return null
    throw error
  }
}

/** What is stored was verified when it was stored: only its structure is read again. */
function storedProof(signature: Uint8Array, nodeKey: NodePublic): NodeKeyProof | null {
  let proof = proofCache.get(signature)
  if (proof === undefined) {
    try {
      const claim = claimNodeKey(signature, nodeKey)
      proof = proveClaim(
        claim,
        claim.checks.map(() => true),
      )
    } catch (error) {
      if (!(error instanceof TkaError)) throw error
      proof = null
    }
    proofCache.set(signature, proof)
  }
  return proof
}

function strictCheck(check: SignatureCheck): boolean {
  const verifier = createVerifier({ maxSlowChecks: 0 })
  return verifier.verifyStandard(check.public, check.message, check.signature)
}

/**
 * Requires that no wrapping key in a signature, at whatever depth, is one that anybody can sign for. Official
 * clients write 32 zero bytes when a node is signed without its rotation key: such a signature would let
 * anybody take over the node.
 *
 * @throws TkaError 'signature-wrapping-key'
 */
export function requireSoundWrapping(signature: NodeKeySignature): void {
  for (let layer: NodeKeySignature | null = signature; layer !== null; layer = layer.nested) {
    const { wrappingPubkey } = layer
    if (wrappingPubkey === null || wrappingPubkey.length === 0) continue
    if (wrappingPubkey.length !== 32 || isSmallOrder(wrappingPubkey)) {
      throw new TkaError(
        'signature-wrapping-key',
        'its rotation key is missing or unsafe; sign again with the whole command that `lock status` shows on that node, with both keys',
      )
    }
  }
}
