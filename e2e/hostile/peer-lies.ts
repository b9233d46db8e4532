// SPDX-License-Identifier: Apache-2.0

/**
 * Lies about peers: what a server can say to get a node of its own into everybody's network, or an owner's node out
 * of it unnoticed. Each is told in a whole map and in a delta; the gate's answer has to be the same.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import {
  generateLockKey,
  generateNodeKey,
  lockSigner,
  nodePublicBytes,
  nodePublicOf,
  type LockSigner,
  type NodePublic,
} from '@signet/keys'
import type { ControlNode, MapResponse } from '@signet/protocol'
import {
  createCredential,
  decodeNodeKeySignature,
  EMPTY_NODE_KEY_SIGNATURE,
  encodeNodeKeySignature,
  nodeKeySigHash,
  resignNodeKey,
  SigKind,
  signNodeKey,
  type NodeKeySignature,
} from '@signet/tka'
import { guessUnderSmallOrder } from '../support/forgery.ts'
import type { Mode } from '../support/lying-tailnet.ts'

/** What a liar has at hand: everything that a server sees, and what it can make by itself. */
export interface Loot {
  /** The server's own node, described but unsigned. */
  readonly rogue: ControlNode
  /** An owner's node as every member sees it: with its public key and its valid signature. */
  readonly honest: ControlNode
  /** Stolen or careless owners, only where a row says so. */
  readonly trusted: LockSigner
  /** The lock key of the honest node: to rotate it as its owner would. */
  readonly honestSigner: LockSigner
}

/** One lie: a node that is put into the map, or changed in it. */
export interface PeerLie {
  readonly name: string
  /** Who is shown; the id decides whether it is one more node or a changed one. */
  readonly show: (loot: Loot) => ControlNode
  /** The reason that every node has to give. */
  readonly reason: string
  /** The lie is about an owner's node: that one is refused, there is no other to knock. */
  readonly takesOver?: true
  /** In a delta, tell it by a patch of single fields. */
  readonly patch?: true
}

/** Puts the node into the message, in place of the one with its id if there is one. */
export function showing(
  node: ControlNode,
  mode: Mode,
  patch = false,
): (m: MapResponse) => MapResponse {
  return (message) => {
    if (mode === 'full') {
      const others = (message.Peers ?? []).filter((peer) => peer?.ID !== node.ID)
      return { ...message, Peers: [...others, node] }
    }
    if (!patch) return { ...message, PeersChanged: [node] }
    const { ID, Key, KeySignature } = node
    return {
      ...message,
      PeersChangedPatch: [{ NodeID: ID, Key, ...(KeySignature && { KeySignature }) }],
    }
  }
}

const signatureOf = (node: ControlNode): Uint8Array => node.KeySignature ?? new Uint8Array(0)

const stranger = lockSigner(generateLockKey())

/** A rotation from `nested` to `nodeKey`, signed by whom one likes. */
function rotation(nested: Uint8Array, nodeKey: NodePublic, signer: LockSigner): Uint8Array {
  const unsigned: NodeKeySignature = {
    ...EMPTY_NODE_KEY_SIGNATURE,
    sigKind: SigKind.Rotation,
    pubkey: prefixed(nodeKey),
    nested: decodeNodeKeySignature(nested),
  }
  return encodeNodeKeySignature({ ...unsigned, signature: signer.sign(nodeKeySigHash(unsigned)) })
}

/** A node key as signatures hold it. */
function prefixed(nodeKey: NodePublic): Uint8Array {
  return Uint8Array.from([0x6e, 0x70, ...nodePublicBytes(nodeKey)])
}

function direct(parts: Partial<NodeKeySignature>, signer: LockSigner): NodeKeySignature {
  const unsigned: NodeKeySignature = {
    ...EMPTY_NODE_KEY_SIGNATURE,
    sigKind: SigKind.Direct,
    keyId: signer.keyId,
    ...parts,
  }
  return { ...unsigned, signature: signer.sign(nodeKeySigHash(unsigned)) }
}

/**
 * A rotation that nobody signed. Whoever asks official software to sign a node without its rotation key gets 32 zero
 * bytes for one, a point of order four, and under that every fourth guess is good.
 */
function forgedRotation(nested: NodeKeySignature, nodeKey: NodePublic): NodeKeySignature {
  const pubkey = prefixed(nodeKey)
  const unsigned = { ...EMPTY_NODE_KEY_SIGNATURE, sigKind: SigKind.Rotation, pubkey, nested }
  const digest = nodeKeySigHash(unsigned)
  return { ...unsigned, signature: guessUnderSmallOrder(new Uint8Array(32), digest) }
}

/** A chain of rotations, one level for each step. */
function levels(
  first: Uint8Array,
  count: number,
  signer: LockSigner,
  last: NodePublic,
): Uint8Array {
  let signature = decodeNodeKeySignature(first)
  for (let i = 0; i < count; i++) {
    const nodeKey = i === count - 1 ? last : nodePublicOf(generateNodeKey())
    const unsigned: NodeKeySignature = {
      ...EMPTY_NODE_KEY_SIGNATURE,
      sigKind: SigKind.Rotation,
      pubkey: prefixed(nodeKey),
      nested: signature,
    }
    signature = { ...unsigned, signature: signer.sign(nodeKeySigHash(unsigned)) }
  }
  return encodeNodeKeySignature(signature)
}

/** Every lie about a peer. */
export const peerLies: readonly PeerLie[] = [
  {
    name: 'a node that nobody signed',
    show: ({ rogue }) => rogue,
    reason: 'unsigned',
  },
  {
    name: "a node with another node's signature",
    show: ({ rogue, honest }) => ({ ...rogue, KeySignature: signatureOf(honest) }),
    reason: 'wrong-node-key',
  },
  {
    name: 'a node signed by a key that nobody trusts',
    show: ({ rogue }) => ({
      ...rogue,
      KeySignature: signNodeKey({ nodeKey: rogue.Key, signer: stranger }),
    }),
    reason: 'untrusted-key',
  },
  {
    name: 'a node whose signature names a trusted key that did not make it',
    show: ({ rogue, trusted }) => {
      const forged = direct({ pubkey: prefixed(rogue.Key), keyId: trusted.keyId }, stranger)
      return { ...rogue, KeySignature: encodeNodeKeySignature(forged) }
    },
    reason: 'bad-signature',
  },
  {
    name: 'a node with noise for a signature',
    show: ({ rogue }) => ({ ...rogue, KeySignature: new Uint8Array(randomBytes(120)) }),
    reason: 'malformed',
  },
  {
    name: 'a node with a signature of 9 KiB',
    show: ({ rogue }) => ({ ...rogue, KeySignature: new Uint8Array(9 * 1024) }),
    reason: 'too-large',
  },
  {
    name: 'a node signed without the prefix of node keys',
    show: ({ rogue, trusted }) => {
      const bare = direct({ pubkey: nodePublicBytes(rogue.Key) }, trusted)
      return { ...rogue, KeySignature: encodeNodeKeySignature(bare) }
    },
    reason: 'wrong-node-key',
  },
  {
    name: 'a node with the bare credential of an auth key',
    show: ({ rogue, trusted }) => {
      const { signature } = createCredential(trusted, new Uint8Array(randomBytes(32)))
      return { ...rogue, KeySignature: encodeNodeKeySignature(signature) }
    },
    reason: 'malformed',
  },
  {
    name: "a rotation of an owner's node to the server's, not signed by that node",
    show: ({ rogue, honest }) => ({
      ...rogue,
      KeySignature: rotation(signatureOf(honest), rogue.Key, stranger),
    }),
    reason: 'bad-signature',
  },
  {
    name: 'a rotation forged under a wrapping key of small order',
    show: ({ rogue, honest, trusted }) => {
      const careless = direct(
        { pubkey: prefixed(honest.Key), wrappingPubkey: new Uint8Array(32) },
        trusted,
      )
      return {
        ...rogue,
        KeySignature: encodeNodeKeySignature(forgedRotation(careless, rogue.Key)),
      }
    },
    reason: 'unsafe-wrapping-key',
  },
  {
    name: 'a rotation nested more deeply than anybody decodes',
    show: ({ rogue, honest, honestSigner }) => ({
      ...rogue,
      KeySignature: levels(signatureOf(honest), 16, honestSigner, rogue.Key),
    }),
    reason: 'malformed',
  },
  {
    name: 'a node that needs no signature because it offers peer APIs only',
    show: ({ rogue }) => ({ ...rogue, UnsignedPeerAPIOnly: true }),
    reason: 'unsigned',
  },
  {
    name: 'a node that nobody signed, said to know WireGuard only',
    show: ({ rogue }) => ({ ...rogue, IsWireGuardOnly: true }),
    reason: 'unsigned',
  },
  {
    name: 'a node that nobody signed, said to be jailed',
    show: ({ rogue }) => ({ ...rogue, IsJailed: true }),
    reason: 'unsigned',
  },
  {
    name: 'a node that nobody signed, shared by another tailnet',
    show: ({ rogue }) => ({ ...rogue, Sharer: 2, Tags: ['tag:shared'] }),
    reason: 'unsigned',
  },
  {
    name: 'a node that nobody signed, said to have expired',
    show: ({ rogue }) => ({ ...rogue, Expired: true, KeyExpiry: '2020-01-01T00:00:00Z' }),
    reason: 'expired',
  },
  {
    name: 'a node with a signature and bytes after it',
    show: ({ rogue, trusted }) => ({
      ...rogue,
      KeySignature: Uint8Array.from([...signNodeKey({ nodeKey: rogue.Key, signer: trusted }), 0]),
    }),
    reason: 'malformed',
  },
  {
    name: "an owner's node without its signature",
    show: ({ honest }) => {
      const { KeySignature: _, ...bare } = honest
      return bare
    },
    reason: 'unsigned',
    takesOver: true,
  },
  {
    name: "an owner's node whose key is now the server's, with its old signature",
    show: ({ honest, rogue }) => ({ ...honest, Key: rogue.Key }),
    reason: 'wrong-node-key',
    takesOver: true,
    patch: true,
  },
  {
    name: "an owner's node whose signature was replaced by one of a stranger",
    show: ({ honest }) => ({
      ...honest,
      KeySignature: signNodeKey({ nodeKey: honest.Key, signer: stranger }),
    }),
    reason: 'untrusted-key',
    takesOver: true,
    patch: true,
  },
  {
    name: "a second node with an owner's key and signature, at the server's address",
    show: ({ honest, rogue }) => ({ ...rogue, Key: honest.Key, KeySignature: signatureOf(honest) }),
    reason: 'duplicate-key',
    takesOver: true,
  },
]

/** The honest node as its owner would have rotated it: to a new key, signed by its own lock key. */
export function rotated(honest: ControlNode, honestSigner: LockSigner, times = 1): ControlNode {
  let signature = signatureOf(honest)
  let nodeKey = honest.Key
  for (let i = 0; i < times; i++) {
    nodeKey = nodePublicOf(generateNodeKey())
    signature = resignNodeKey({ old: signature, nodeKey, signer: honestSigner })
  }
  return { ...honest, Key: nodeKey, KeySignature: signature }
}
