// SPDX-License-Identifier: Apache-2.0

/**
 * Starting a lock. Its first update is made here and signed by this node's key; then every node of
 * the tailnet is signed, so that nobody is locked out in the moment it begins.
 *
 * The server lists the nodes to be signed, and could slip in one of its own. So a key that is not
 * in this node's own map is signed only when the owner says so.
 *
 * @module
 */

import { equalBytes } from '@signet/codec'
import { isSmallOrder } from '@signet/crypto'
import {
  lockPublicFromBytes,
  lockPublicOf,
  lockSigner,
  type LockPrivate,
  type LockPublic,
  type LockSigner,
  type NodePublic,
} from '@signet/keys'
import type { TKASignInfo } from '@signet/protocol'
import {
  aumHash,
  aumHashText,
  createGenesis,
  disablementValue,
  encodeAum,
  keyId,
  signNodeKey,
  stateIdsFromBytes,
  type Key,
} from '@signet/tka'
import { NodeError } from '../errors.ts'
import { requireSafeKey } from './commands.ts'
import type { LockKeeper } from './keeper.ts'
import type { LockRpc } from './lock-rpc.ts'

/** What the owner wants the lock to be. */
export type InitRequest = {
  readonly keys: readonly Key[]
  readonly disablementValues: readonly Uint8Array[]
  /** A secret that the server may keep, null for none. */
  readonly supportDisablement: Uint8Array | null
  /** Sign also what is not in this node's own map. */
  readonly signUnknownNodes: boolean
}

/** What starting a lock needs. */
export type InitOptions = {
  readonly keeper: LockKeeper
  readonly rpc: LockRpc
  readonly lockKey: () => LockPrivate
  readonly ownNodeKey: () => NodePublic
  /** Node keys of this node's own map. */
  readonly knownNodeKeys: () => ReadonlySet<NodePublic>
  readonly randomBytes: (length: number) => Uint8Array
}

/**
 * Starts a lock; when it returns the server has it, and will announce it.
 *
 * @throws NodeError lock-on, lock-broken, bad-argument, secret-as-value, lock-unknown-node-keys
 */
export async function initLock(request: InitRequest, options: InitOptions): Promise<void> {
  const { keeper, rpc, randomBytes } = options
  const state = keeper.state()
  if (state.kind === 'on') throw new NodeError('lock-on', 'tailnet lock is already enabled')
  if (state.kind === 'broken') throw new NodeError('lock-broken', state.why)
  const signer = lockSigner(options.lockKey())
  await checkRequest(request, signer)

  const genesis = createGenesis(
    {
      lastAumHash: null,
      keys: request.keys,
      disablementValues: request.disablementValues,
      ...stateIdsFromBytes(randomBytes(16)),
    },
    [signer],
  )
  const wanted = await rpc.initBegin(encodeAum(genesis))
  if (!request.signUnknownNodes) refuseUnknown(wanted, options)
  const ours = options.ownNodeKey()
  const own = lockPublicOf(options.lockKey())
  const signatures = new Map(
    wanted.map(({ NodeID, NodePublic, RotationPubkey }) => {
      const claimed = NodePublic === ours ? own : rotationKey(RotationPubkey)
      return [
        NodeID,
        signNodeKey({
          nodeKey: NodePublic,
          signer,
          ...(claimed && { rotationPublic: claimed }),
        }),
      ]
    }),
  )
  await rpc.initFinish(signatures, request.supportDisablement)
  // We made it, so we know what the server has to show us now.
  keeper.expect(aumHashText(aumHash(genesis)))
}

async function checkRequest(request: InitRequest, signer: LockSigner): Promise<void> {
  const { keys, disablementValues, supportDisablement } = request
  for (const key of keys) requireSafeKey(key)
  if (!keys.some((key) => equalBytes(keyId(key), signer.keyId))) {
    throw new NodeError(
      'bad-argument',
      'the tailnet lock key of the current node must be one of the trusted keys during initialization',
    )
  }
  if (supportDisablement === null) return
  if (disablementValues.some((value) => equalBytes(value, supportDisablement))) {
    throw new NodeError(
      'secret-as-value',
      'A disablement secret is among the disablement values, which become public: it would be useless as a secret',
    )
  }
  const derived = await disablementValue(supportDisablement)
  if (!disablementValues.some((value) => equalBytes(value, derived))) {
    throw new NodeError('bad-argument', 'The secret for support does not end this lock')
  }
}

function refuseUnknown(wanted: readonly TKASignInfo[], options: InitOptions): void {
  const known = options.knownNodeKeys()
  const unknown = wanted.filter(
    ({ NodePublic }) => !known.has(NodePublic) && NodePublic !== options.ownNodeKey(),
  )
  if (unknown.length === 0) return
  const list = unknown.map(({ NodeID, NodePublic }) => `${NodePublic} (node ${NodeID})`)
  throw new NodeError(
    'lock-unknown-node-keys',
    `The server wants signatures of ${unknown.length} node keys that this node does not know: ${list.join(', ')}. Nothing was changed. If they are yours, confirm with --sign-unknown-nodes`,
  )
}

/**
 * The key that the server says is the node's own. One under which anybody can sign is left out: the
 * node is signed all the same and only has to be signed again when its key changes.
 */
function rotationKey(bytes: Uint8Array | null): LockPublic | undefined {
  if (bytes === null || bytes.length !== 32 || isSmallOrder(bytes)) return undefined
  return lockPublicFromBytes(bytes)
}
