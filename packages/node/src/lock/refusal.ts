// SPDX-License-Identifier: Apache-2.0

/**
 * Why the gate refused a peer: codes that are shown, tested and never reused, and one sentence each.
 *
 * @module
 */

import type { PeerDropReason } from '@signet/tka'

/** Every reason to refuse a peer. */
export type RefusalReason =
  | PeerDropReason
  /** The key was replaced by a rotation that this node has seen, now or earlier. */
  | 'replaced-key'
  /** A longer chain of rotations from the same signature was seen earlier. */
  | 'older-rotation'
  /** No peer is let in at present; the lock's state says why. */
  | 'lock-closed'
  /** The peer has no key. */
  | 'no-key'
  /** An earlier peer of the same map has this key. */
  | 'duplicate-key'
  /** The peer has this node's own key. */
  | 'own-key'
  /** The key's time is over. */
  | 'expired'

const sentences: Readonly<Record<RefusalReason, string>> = {
  unsigned: 'no trusted key has signed this node',
  'too-large': 'its signature is larger than any real one',
  malformed: 'its signature is malformed',
  'wrong-node-key': 'its signature is for another node key',
  'bad-signature': 'its signature does not verify',
  'untrusted-key': 'the key that signed this node is not trusted',
  'unsafe-wrapping-key': 'its rotation is signed under a key for which anybody can sign',
  'obsolete-key': 'a rotation of another node names this key as replaced',
  'shorter-rotation': 'another node has a longer rotation of the same key (a copied machine?)',
  'rotation-tie': 'another node has an equally long rotation of the same key (a copied machine?)',
  unchecked: 'too many odd signatures in one map, this one has not been checked yet',
  'replaced-key': 'this key was replaced by a newer one, its old signature is a replay',
  'older-rotation': 'a newer rotation of this node was seen before, this one is a replay',
  'lock-closed': 'the lock is not in order on this node, nobody is let in',
  'no-key': 'it has no node key',
  'duplicate-key': 'another node of this map has the same key',
  'own-key': 'it claims the key of this node',
  expired: 'its key has expired',
}

/** A sentence for people, without a full stop. */
export function refusalText(reason: RefusalReason): string {
  return sentences[reason]
}
