// SPDX-License-Identifier: Apache-2.0

/**
 * Node-key signatures, a whole map of peers: which of them may stay, judged together.
 *
 * A signature that verifies is not enough. A node that changes its key leaves behind an older key
 * whose signature still verifies, and a copied node shows up twice. So rotations are counted:
 *
 *   - every key that a valid rotation names as previous is obsolete, whoever has it
 *   - rotations that stand on one wrapping key are one node: the longest stays, the others are
 *     obsolete, and if the longest are equally long all are, because nobody can tell them apart
 *
 * This runs over all peers for every map, full or delta. (Official nodes skip the counting for
 * deltas, so that a server can bring an obsolete key back.)
 *
 * @module
 */

import { toHex } from '@signet/codec'
import type { NodePublic } from '@signet/keys'
import { TkaError } from './errors.ts'
import { SigKind } from './node-signature.ts'
import type { RotationDetails } from './verify-node-signature.ts'

/** What the filter looks at in a peer. */
export interface LockPeer {
  readonly nodeKey: NodePublic
  /** The signature as the map carries it; absent and empty are the same. */
  readonly signature: Uint8Array | null | undefined
  /** The server asks us to let this peer in without a signature, for its peer API only. */
  readonly unsignedPeerApiOnly?: boolean | undefined
}

/** Why a peer was left out. These strings are API: shown, tested, never reused. */
export type PeerDropReason =
  /** It has no signature. */
  | 'unsigned'
  /** Its signature has more than 8 KiB. */
  | 'too-large'
  /** Its signature is not one, or is not put together as one. */
  | 'malformed'
  /** Its signature is for another node key. */
  | 'wrong-node-key'
  /** Its signature does not verify. */
  | 'bad-signature'
  /** Nobody who is trusted signed it. */
  | 'untrusted-key'
  /** A rotation under a key for which anybody can sign. */
  | 'unsafe-wrapping-key'
  /** Another peer's rotation names this key as a previous one. */
  | 'obsolete-key'
  /** Another peer has a longer rotation that stands on the same wrapping key. */
  | 'shorter-rotation'
  /** Another peer has an equally long rotation that stands on the same wrapping key. */
  | 'rotation-tie'
  /** Not verified yet: the allowance for verification was used up. */
  | 'unchecked'

/** What verification found out about one peer's signature. */
export type PeerVerdict =
  | { readonly ok: true; readonly rotation: RotationDetails | null }
  | { readonly ok: false; readonly reason: PeerDropReason }

/** A peer that was left out. */
export interface DroppedPeer<Peer> {
  readonly peer: Peer
  readonly reason: PeerDropReason
}

/** All peers, told apart, each list in the order of the map. */
export interface FilteredPeers<Peer> {
  readonly kept: readonly Peer[]
  readonly dropped: readonly DroppedPeer<Peer>[]
}

/** How to filter. */
export interface NetmapFilterOptions {
  /**
   * Accept unsigned peers that the server marks as peer-API-only, as official nodes do. Off unless
   * asked for: it is the server's word against the lock.
   */
  readonly allowUnsignedPeerApi?: boolean
}

/**
 * Tells the peers to keep from those to leave out. `verdict` is called at most once for each peer,
 * in order, and not for peers without a signature. Linear in the number of peers.
 */
export function filterNetmap<Peer extends LockPeer>(
  peers: readonly Peer[],
  verdict: (peer: Peer) => PeerVerdict,
  options: NetmapFilterOptions = {},
): FilteredPeers<Peer> {
  const rotations = new RotationTracker()
  const failures = peers.map((peer): PeerDropReason | null => {
    if (options.allowUnsignedPeerApi && peer.unsignedPeerApiOnly) return null
    if (!peer.signature || peer.signature.length === 0) return 'unsigned'
    const result = verdict(peer)
    if (!result.ok) return result.reason
    if (result.rotation) rotations.add(peer.nodeKey, result.rotation)
    return null
  })
  const obsolete = rotations.obsoleteKeys()
  const kept: Peer[] = []
  const dropped: DroppedPeer<Peer>[] = []
  for (const [index, peer] of peers.entries()) {
    const reason = failures[index] ?? obsolete.get(peer.nodeKey)
    if (reason) dropped.push({ peer, reason })
    else kept.push(peer)
  }
  return { kept, dropped }
}

interface CountedRotation {
  readonly nodeKey: NodePublic
  readonly length: number
}

/** Finds out which node keys the valid rotations of a map make obsolete. */
export class RotationTracker {
  readonly #previous = new Set<NodePublic>()
  readonly #byWrappingKey = new Map<string, CountedRotation[]>()

  /** Counts one valid rotation. */
  add(nodeKey: NodePublic, rotation: RotationDetails): void {
    const { previousNodeKeys, initialSignature } = rotation
    for (const key of previousNodeKeys) this.#previous.add(key)
    // Nodes that joined with one reusable wrapped auth key share the wrapping key of its
    // credential, and are different nodes all the same.
    if (initialSignature.sigKind !== SigKind.Direct) return
    const wrappingKey = toHex(initialSignature.wrappingPubkey ?? new Uint8Array())
    const group = this.#byWrappingKey.get(wrappingKey) ?? []
    this.#byWrappingKey.set(wrappingKey, group)
    group.push({ nodeKey, length: previousNodeKeys.length })
  }

  /** Returns the obsolete keys with the reason of each. Does not depend on the order of `add`. */
  obsoleteKeys(): ReadonlyMap<NodePublic, PeerDropReason> {
    const obsolete = new Map<NodePublic, PeerDropReason>()
    for (const group of this.#byWrappingKey.values()) {
      const rivals = group.filter(({ nodeKey }) => !this.#previous.has(nodeKey))
      const longest = rivals.reduce((length, rival) => Math.max(length, rival.length), 0)
      const isTie = rivals.filter(({ length }) => length === longest).length > 1
      for (const { nodeKey, length } of rivals) {
        if (length < longest) obsolete.set(nodeKey, 'shorter-rotation')
        else if (isTie) obsolete.set(nodeKey, 'rotation-tie')
      }
    }
    for (const nodeKey of this.#previous) obsolete.set(nodeKey, 'obsolete-key')
    return obsolete
  }
}

/**
 * Returns the verdict that a refusal of verification stands for.
 *
 * @throws whatever is not a refusal of this package, unchanged
 */
export function dropReason(error: unknown): PeerDropReason {
  if (!(error instanceof TkaError)) throw error
  switch (error.code) {
    case 'signature-too-large':
      return 'too-large'
    case 'signature-node-key':
      return 'wrong-node-key'
    case 'signature-invalid':
      return 'bad-signature'
    case 'signature-untrusted':
      return 'untrusted-key'
    case 'signature-wrapping-key':
      return 'unsafe-wrapping-key'
    case 'signature-malformed':
    case 'signature-structure':
    case 'signature-credential':
      return 'malformed'
    default:
      throw error
  }
}
