// SPDX-License-Identifier: Apache-2.0

/**
 * A small locked tailnet to test against: trusted keys, an authority, signed nodes.
 *
 * @module
 */

import {
  generateLockKey,
  generateNodeKey,
  lockKeyId,
  lockPublicOf,
  lockSigner,
  nodePublicOf,
  type LockPrivate,
  type LockSigner,
  type NodePublic,
} from '@signet/keys'
import type { ControlNode } from '@signet/protocol'
import {
  bootstrapAuthority,
  createGenesis,
  createMemoryStore,
  disablementValue,
  KeyKind,
  resignNodeKey,
  signNodeKey,
  type AumStore,
  type Authority,
  type Key,
  type VerifiedAum,
} from '@signet/tka'

/** A lock key with everything that is derived from it. */
export type TestSigner = {
  readonly priv: LockPrivate
  readonly signer: LockSigner
  readonly key: Key
}

export function testSigner(votes = 1n): TestSigner {
  const priv = generateLockKey()
  const key: Key = {
    kind: KeyKind.Ed25519,
    votes,
    public: lockKeyId(lockPublicOf(priv)),
    meta: null,
  }
  return { priv, signer: lockSigner(priv), key }
}

export const secret: Uint8Array = new Uint8Array(32).fill(7)
let value: Promise<Uint8Array> | undefined

/** The value of {@link secret}; computed once, it is meant to be slow. */
export function secretValue(): Promise<Uint8Array> {
  return (value ??= disablementValue(secret))
}

export function testGenesis(
  signers: readonly TestSigner[],
  stateId = 1n,
  disablement: Uint8Array = new Uint8Array(32).fill(9),
): VerifiedAum {
  const [first] = signers
  if (!first) throw new Error('No signers')
  return createGenesis(
    {
      lastAumHash: null,
      disablementValues: [disablement],
      keys: signers.map(({ key }) => key),
      stateId1: stateId,
      stateId2: 2n,
    },
    [first.signer],
  )
}

export function testAuthority(genesis: VerifiedAum): { authority: Authority; store: AumStore } {
  const store = createMemoryStore({ now: () => 0 })
  return { authority: bootstrapAuthority(store, genesis), store }
}

let nextId = 1

/** A node as a map shows it. */
export function testNode(change: Partial<ControlNode> = {}): ControlNode {
  const id = change.ID ?? nextId++
  return {
    ID: id,
    StableID: `n${id}`,
    Name: `node-${id}.tailnet.example.`,
    User: 1,
    Key: nodePublicOf(generateNodeKey()),
    Addresses: [`100.64.${id >> 8}.${id & 255}/32`],
    ...change,
  }
}

/** A node signed directly by a trusted key, whose own lock key may rotate it. */
export function signedNode(
  by: TestSigner,
  change: Partial<ControlNode> = {},
  own: TestSigner = testSigner(),
): ControlNode {
  const node = testNode(change)
  const KeySignature = signNodeKey({
    nodeKey: node.Key,
    rotationPublic: lockPublicOf(own.priv),
    signer: by.signer,
  })
  return { ...node, KeySignature }
}

/** The same node with a new key, the old signature wrapped by its own lock key. */
export function rotatedNode(node: ControlNode, own: TestSigner): ControlNode {
  const Key: NodePublic = nodePublicOf(generateNodeKey())
  const old = node.KeySignature ?? new Uint8Array()
  return { ...node, Key, KeySignature: resignNodeKey({ nodeKey: Key, old, signer: own.signer }) }
}
