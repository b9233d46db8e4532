// SPDX-License-Identifier: Apache-2.0

/**
 * The lock as this node sees it, in the official shape, with what only a Signet node can say.
 *
 * @module
 */

import { lockPublicFromBytes, lockPublicOf, nodePublicOf, zeroLockPublic } from '@signet/keys'
import type { ControlNode } from '@signet/protocol'
import {
  noLockSignature,
  type LockDetails,
  type LockPeerStatus,
  type LockSignature,
  type LockStatus,
  type LockTrustedKey,
} from '@signet/protocol/local-api'
import { aumHashBytes, decodeNodeKeySignature, KeyKind, type Key } from '@signet/tka'
import { refusalText, type RefusalReason } from '../lock/refusal.ts'
import type { NodeParts } from '../parts.ts'
import { closedBecause, isLockedOut } from './health.ts'
import { addressesOf } from './status.ts'

/** Returns the lock's status. A lock that cannot be read counts as on: it is in force. */
export function lockStatusOf(parts: NodeParts): LockStatus {
  const { stateFile, keeper, runner, backend } = parts
  const { nodeKey, lockKey } = stateFile.get()
  const state = keeper.state()
  const authority = state.kind === 'on' ? state.authority : null
  const self = backend.netmap()?.self ?? null
  const isInForce = state.kind === 'on' || state.kind === 'broken' || state.kind === 'awaiting'
  const result = runner.result()
  const nodes = new Map(backend.netmap()?.peers.map((node) => [node.Key, node]))
  return {
    Enabled: isInForce,
    Head: authority && aumHashBytes(authority.head),
    PublicKey: lockKey ? lockPublicOf(lockKey) : zeroLockPublic,
    NodeKey: nodeKey && nodePublicOf(nodeKey),
    NodeKeySigned: state.kind === 'on' && self !== null && !isLockedOut(parts),
    NodeKeySignature: isInForce ? signatureOf(self) : null,
    TrustedKeys: authority && (authority.state.keys ?? []).map(trustedKey),
    VisiblePeers: isInForce
      ? (result?.admitted ?? []).flatMap(({ nodeKey: key }) => {
          const node = nodes.get(key)
          return node ? [peerOf(node)] : []
        })
      : null,
    FilteredPeers: isInForce
      ? (result?.refused ?? []).map(({ node, reason }) => peerOf(node, reason))
      : null,
    StateID: authority?.state.stateId1 ?? 0n,
    Signet: detailsOf(parts),
  }
}

function detailsOf(parts: NodeParts): LockDetails {
  const { stateFile, keeper, sync } = parts
  const { wasLocked, pin } = stateFile.get()
  return {
    State: keeper.state().kind,
    Genesis: wasLocked?.genesis ?? '',
    Pinned: pin !== '',
    ServerHead: sync.serverHead(),
    FailedClosed: closedBecause(parts),
    Warnings: sync.warnings(),
  }
}

function trustedKey(key: Key): LockTrustedKey {
  const bytes = key.public?.length === 32 ? key.public : new Uint8Array(32)
  return {
    Kind: key.kind === KeyKind.Ed25519 ? '25519' : `TKAKeyKind(${key.kind})`,
    Key: lockPublicFromBytes(bytes),
    Metadata: key.meta && Object.fromEntries(key.meta),
    Votes: Number(key.votes),
  }
}

function peerOf(node: ControlNode, reason?: RefusalReason): LockPeerStatus {
  return {
    Name: node.Name,
    ID: node.ID,
    StableID: node.StableID,
    TailscaleIPs: addressesOf(node),
    NodeKey: node.Key,
    NodeKeySignature: signatureOf(node),
    ...(reason !== undefined && { Reason: reason, ReasonText: refusalText(reason) }),
  }
}

/** For looking at, not for trusting: what cannot be decoded shows as none. */
function signatureOf(node: ControlNode | null): LockSignature {
  if (!node?.KeySignature || node.KeySignature.length === 0) return noLockSignature
  try {
    return decodeNodeKeySignature(node.KeySignature)
  } catch {
    return noLockSignature
  }
}
