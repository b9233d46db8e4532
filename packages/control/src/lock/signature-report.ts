// SPDX-License-Identifier: Apache-2.0

/**
 * How the signatures of all nodes stand, for people. More than what decides about a peer: also which signatures
 * will make trouble later.
 *
 * @module
 */

import { equalBytes } from '@signet/codec'
import { lockPublicBytes } from '@signet/keys'
import {
  decodeNodeKeySignature,
  filterNetmap,
  TkaError,
  unverifiedWrappingPublic,
} from '@signet/tka'
import type { NodeRow } from '../store/rows.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { authorizationOf, requireSoundWrapping, signatureState } from './signatures.ts'
import type { SignatureState } from './signatures.ts'

/** How a signature stands among all others. */
export type ReportedSignature =
  | SignatureState
  /** The key that it signs was rotated out by another node, or two nodes are copies of each other. */
  | 'obsolete'
  /** Good now, but the node cannot sign its next key: somebody has to. */
  | 'cannot-self-rotate'
  /** Anybody can make a rotation of it. No longer accepted; may be left from another server. */
  | 'unsafe'

/** Judges the signatures of a tailnet together. Linear in its nodes. */
export function reportSignatures(tailnet: Tailnet): (row: NodeRow) => ReportedSignature {
  const { lock } = tailnet
  const obsolete = new Set<string>()
  if (lock.active !== null) {
    const rows = [...tailnet.nodes.values()].map(({ row }) => row)
    const { dropped } = filterNetmap(rows, (row) => {
      const authorization = authorizationOf(lock, row)
      return authorization === null
        ? { ok: false, reason: 'untrusted-key' }
        : { ok: true, rotation: authorization.rotation }
    })
    for (const { peer, reason } of dropped) {
      if (reason !== 'unsigned' && reason !== 'untrusted-key') obsolete.add(peer.nodeKey)
    }
  }
  return (row) => {
    const state = signatureState(lock, row)
    if (state === 'off' || state === 'missing' || row.signature === null) return state
    if (!isSound(row.signature)) return 'unsafe'
    if (state === 'invalid') return state
    if (obsolete.has(row.nodeKey)) return 'obsolete'
    return canRotate(row, row.signature) ? 'valid' : 'cannot-self-rotate'
  }
}

function isSound(signature: Uint8Array): boolean {
  try {
    requireSoundWrapping(decodeNodeKeySignature(signature))
    return true
  } catch (error) {
    if (error instanceof TkaError) return error.code !== 'signature-wrapping-key'
    throw error
  }
}

/** Whether the node's own lock key is the one under which its next signature will be checked. */
function canRotate(row: NodeRow, signature: Uint8Array): boolean {
  const wrapping = unverifiedWrappingPublic(decodeNodeKeySignature(signature))
  return (
    row.lockKey !== null && wrapping !== null && equalBytes(wrapping, lockPublicBytes(row.lockKey))
  )
}
