// SPDX-License-Identifier: Apache-2.0

/**
 * Signatures in registrations: what becomes of a node's signature when its key changes.
 *
 *   brings a signature      verified under the current head, then stored together with the key
 *   brings none, and could  the old signature is handed out once, for the node to wrap its new key in
 *   brings none             registered all the same, locked out until somebody signs it
 *
 * "Could" means: the old signature is good now, and its wrapping key is the lock key of this very request.
 * A node that joined with a wrapped auth key cannot: its wrapping key is in the auth key.
 *
 * @module
 */

import { equalBytes } from '@signet/codec'
import { lockPublicBytes } from '@signet/keys'
import type { LockPublic, MachinePublic, NodePublic } from '@signet/keys'
import { TkaError, decodeNodeKeySignature, unverifiedWrappingPublic } from '@signet/tka'
import { authorizationOf, checkNodeKeySignature } from '../lock/signatures.ts'
import type { NodeRow } from '../store/rows.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'

/** What to do about the signature. */
export type SignatureDecision =
  | { readonly kind: 'store'; readonly signature: Uint8Array | null; readonly note?: string }
  | { readonly kind: 'ask'; readonly oldSignature: Uint8Array }
  | { readonly kind: 'refuse'; readonly reason: string }

/** What the decision depends on. */
export interface KeyChange {
  readonly nodeKey: NodePublic
  readonly oldNodeKey: NodePublic | null
  readonly lockKey: LockPublic | null
  readonly signature: Uint8Array | null
  /** The node whose key changes; null for a new one. */
  readonly node: NodeRow | null
  readonly machineKey: MachinePublic
}

/** Remembers which machines were handed an old signature, so that each is asked once. */
export interface AskedOnce {
  /** Whether it was asked before; from now on it was. */
  mark(machineKey: MachinePublic, oldNodeKey: NodePublic): boolean
  forget(machineKey: MachinePublic, oldNodeKey: NodePublic): void
}

const MAX_ASKED = 10_000
const ASKED_MS = 10 * 60_000

/** Makes an empty memory, bounded in size and time. */
export function createAskedOnce(now: () => number): AskedOnce {
  const asked = new Map<string, number>()
  return {
    mark(machineKey, oldNodeKey) {
      const id = `${machineKey} ${oldNodeKey}`
      const before = asked.get(id)
      asked.delete(id)
      asked.set(id, now())
      const oldest = asked.keys().next().value
      if (asked.size > MAX_ASKED && oldest !== undefined) asked.delete(oldest)
      return before !== undefined && now() - before < ASKED_MS
    },
    forget(machineKey, oldNodeKey) {
      asked.delete(`${machineKey} ${oldNodeKey}`)
    },
  }
}

/** Decides what becomes of the signature of a node whose key changes, or which is new. */
export function decideSignature(
  tailnet: Tailnet,
  change: KeyChange,
  asked: AskedOnce,
): SignatureDecision {
  const { active } = tailnet.lock
  // Without a lock nothing could be verified; the signature would be stale when there is one.
  if (active === null) return { kind: 'store', signature: null }
  if (change.signature !== null) return judge(tailnet, change, change.signature)
  const old = signatureToRotate(tailnet, change)
  if (old === null || change.oldNodeKey === null) return { kind: 'store', signature: null }
  if (asked.mark(change.machineKey, change.oldNodeKey)) return { kind: 'store', signature: null }
  return { kind: 'ask', oldSignature: old }
}

/** The stored signature of a node, if the lock key that it brings can sign a rotation around it. */
export function signatureToRotate(
  tailnet: Tailnet,
  change: Pick<KeyChange, 'node' | 'lockKey' | 'oldNodeKey'>,
): Uint8Array | null {
  const { node, lockKey } = change
  if (node === null || lockKey === null || node.signature === null) return null
  if (change.oldNodeKey !== null && change.oldNodeKey !== node.nodeKey) return null
  if (authorizationOf(tailnet.lock, node) === null) return null
  const wrapping = unverifiedWrappingPublic(decodeNodeKeySignature(node.signature))
  if (wrapping === null || !equalBytes(wrapping, lockPublicBytes(lockKey))) return null
  return node.signature
}

function judge(tailnet: Tailnet, change: KeyChange, signature: Uint8Array): SignatureDecision {
  const { active } = tailnet.lock
  if (active === null) return { kind: 'store', signature: null }
  try {
    const { rotation } = checkNodeKeySignature(active.authority.state, change.nodeKey, signature)
    const taken = rotation?.previousNodeKeys.find((key) => {
      const other = tailnet.nodeByKey(key)
      return other !== undefined && other.row.id !== change.node?.id
    })
    if (taken !== undefined) {
      return {
        kind: 'refuse',
        reason: 'this signature replaces the key of another node which is still in use',
      }
    }
    return { kind: 'store', signature }
  } catch (error) {
    if (!(error instanceof TkaError)) throw error
    // The key behind it was removed: the node may join, and waits for somebody to sign it.
    if (error.code === 'signature-untrusted')
      return { kind: 'store', signature: null, note: error.message }
    return { kind: 'refuse', reason: error.message }
  }
}
