// SPDX-License-Identifier: Apache-2.0

/**
 * Who else could take this node's place. A signature names the key that may renew the node key, and
 * whoever signed this node had that key from somewhere: when a lock is started, from the server. One
 * that names another key than ours is how a server would let itself in; only this node can tell.
 *
 * @module
 */

import { equalBytes } from '@signet/codec'
import { lockPublicBytes, lockPublicFromBytes, type LockPublic } from '@signet/keys'
import { decodeNodeKeySignature, SigKind, type NodeKeySignature } from '@signet/tka'

/** The keys, other than `own`, that may renew the node key of this signature. */
export function foreignRotationKeys(signature: Uint8Array, own: LockPublic): readonly LockPublic[] {
  const ours = lockPublicBytes(own)
  const found = new Set<LockPublic>()
  for (let layer = decoded(signature); layer !== null; layer = layer.nested) {
    const { wrappingPubkey, sigKind } = layer
    // That of a credential came with the auth key that this node was given.
    if (sigKind === SigKind.Credential || wrappingPubkey?.length !== 32) continue
    if (!equalBytes(wrappingPubkey, ours)) found.add(lockPublicFromBytes(wrappingPubkey))
  }
  return [...found]
}

function decoded(signature: Uint8Array): NodeKeySignature | null {
  try {
    return decodeNodeKeySignature(signature)
  } catch {
    // Then it lets nobody in.
    return null
  }
}
