// SPDX-License-Identifier: Apache-2.0

/**
 * Switching the lock on, in two calls. The first proposes the genesis and has no visible effect; the second
 * brings a signature for every node, and then genesis, signatures and state change in one transaction.
 *
 * @module
 */

import { equalBytes } from '@signet/codec'
import { createVerifier } from '@signet/crypto'
import { lockPublicBytes } from '@signet/keys'
import type {
  TKAInitBeginRequest,
  TKAInitBeginResponse,
  TKAInitFinishRequest,
} from '@signet/protocol'
import {
  aumHash,
  aumHashText,
  bootstrapAuthority,
  claimNodeKey,
  createMemoryStore,
  decodeNodeKeySignature,
  encodeNodeKeySignature,
  hasKey,
  SigKind,
  TkaError,
  verifyGenesis,
} from '@signet/tka'
import type { NodeKeyClaim, State, VerifiedAum } from '@signet/tka'
import { ControlError } from '../errors.ts'
import { PENDING_INIT_MS } from '../limits.ts'
import type { AuthorityRow, NodeRow } from '../store/rows.ts'
import type { LockContext } from './context.ts'
import { refusalOf, requireAdministrator } from './context.ts'
import { parseAum } from './parse-aum.ts'
import type { ActiveLock } from './state.ts'

const WHAT = 'switch on tailnet lock'

/** Takes a genesis and says which nodes have to be signed. */
export function beginInit(
  context: LockContext,
  node: NodeRow,
  request: TKAInitBeginRequest,
): TKAInitBeginResponse {
  const { tailnet, clock, pending } = context
  requireAdministrator(context, node, WHAT)
  requireOff(context)
  const raw = request.GenesisAUM ?? new Uint8Array()
  const genesis = checkGenesis(raw)
  requireOwnKey(node, stateOf(genesis))
  const row = {
    tailnetId: tailnet.row.id,
    nodeId: node.id,
    machineKey: node.machineKey,
    genesis: raw,
    expiresAt: clock.now() + PENDING_INIT_MS,
  }
  tailnet.write((draft) => draft.store({ put: 'pending-init', row }))
  pending.set(node.id, row)
  return {
    NeedSignatures: [...tailnet.nodes.values()].map((other) => ({
      NodeID: other.row.id,
      NodePublic: other.row.nodeKey,
      RotationPubkey: other.row.lockKey === null ? null : lockPublicBytes(other.row.lockKey),
    })),
  }
}

/** Takes the signatures, and switches the lock on. */
export async function finishInit(
  context: LockContext,
  node: NodeRow,
  request: TKAInitFinishRequest,
): Promise<void> {
  const { tailnet, clock, pending } = context
  requireAdministrator(context, node, WHAT)
  if (isRepeated(context, node)) return
  requireOff(context)
  if ((request.SupportDisablement?.length ?? 0) > 0) {
    throw new ControlError(
      'forbidden',
      'This server does not keep disablement secrets for anybody; run init again without --gen-disablement-for-support',
    )
  }
  const begun = pending.get(node.id)
  if (
    begun === undefined ||
    begun.expiresAt <= clock.now() ||
    begun.machineKey !== node.machineKey
  ) {
    throw new ControlError('conflict', 'Nothing was begun, or too long ago; run init again')
  }
  const genesis = checkGenesis(begun.genesis)
  const state = stateOf(genesis)
  const nodes = [...tailnet.nodes.values()].map((other) => other.row)
  const signed = nodes.map((row) => signedBy(row, request, state))
  await requireGood(signed.map(({ claim }) => claim))

  // Nothing was locked while the signatures were checked: look again, then commit, without awaiting.
  requireOff(context)
  if (pending.get(node.id) !== begun || !isUnchanged(nodes, tailnet.nodes.size, tailnet)) {
    throw nodesChanged()
  }
  const active = startAuthority(context, genesis)
  tailnet.write((draft) => {
    draft.setLock({ ...tailnet.lock, active }, [
      { put: 'authority', row: active.row },
      {
        put: 'aum',
        row: {
          authorityId: active.row.id,
          hash: active.row.genesis,
          parent: null,
          raw: begun.genesis,
          arrivedAt: clock.now(),
        },
      },
      { delete: 'pending-inits', tailnetId: tailnet.row.id },
      // Kept for a while: the answer may be lost, and then the same question comes again.
      { put: 'pending-init', row: begun },
    ])
    for (const { row, signature } of signed) {
      const current = draft.node(row.id)
      if (current !== undefined) draft.putNode({ ...current, signature })
    }
  })
  pending.clear()
  pending.set(node.id, begun)
  context.logger.info(
    { node: node.id, head: active.headText, nodes: signed.length },
    'tailnet lock switched on',
  )
}

/** Whether this node has finished already, and did not hear of it: the lock is on with the genesis that it began. */
function isRepeated({ tailnet, clock, pending }: LockContext, node: NodeRow): boolean {
  const begun = pending.get(node.id)
  const { active } = tailnet.lock
  return (
    active !== null &&
    begun !== undefined &&
    begun.machineKey === node.machineKey &&
    begun.expiresAt > clock.now() &&
    aumHash(parseAum(begun.genesis)) === active.row.genesis
  )
}

function requireOff({ tailnet }: LockContext): void {
  if (tailnet.lock.active !== null) {
    throw new ControlError('conflict', 'Tailnet lock is enabled already')
  }
}

/** Decodes and verifies a genesis. */
function checkGenesis(raw: Uint8Array): VerifiedAum {
  const aum = parseAum(raw)
  if (aum.prev !== null) throw new ControlError('bad-request', 'A genesis has no parent')
  if ((aum.state?.disablementValues ?? []).length === 0) {
    throw new ControlError(
      'bad-request',
      'A lock needs at least one disablement secret, or nobody could ever switch it off; run init with --gen-disablements 1 or more',
    )
  }
  try {
    return verifyGenesis(aum)
  } catch (error) {
    throw refusalOf(error, 'Cannot accept the genesis')
  }
}

function stateOf(genesis: VerifiedAum): State {
  if (genesis.state === null) throw new ControlError('bad-request', 'A genesis has a state')
  return genesis.state
}

/** The signatures that follow can only come from the key of the node which begins. */
function requireOwnKey(node: NodeRow, state: State): void {
  if (node.lockKey === null || !hasKey(state, lockPublicBytes(node.lockKey))) {
    throw new ControlError(
      'bad-request',
      'The lock key of the node that switches the lock on must be one of the trusted keys',
    )
  }
}

interface Signed {
  readonly row: NodeRow
  readonly signature: Uint8Array
  readonly claim: NodeKeyClaim
}

/** The signature for one node, checked in everything but the arithmetic. */
function signedBy(row: NodeRow, request: TKAInitFinishRequest, state: State): Signed {
  const signature = request.Signatures?.[row.id] ?? null
  if (signature === null || signature.length === 0) throw nodesChanged()
  const claim = claimOf(row, signature)
  const fail = (reason: string): never => {
    throw new ControlError(
      'bad-request',
      `Cannot accept the signature for node ${row.name}: ${reason}`,
    )
  }
  if (!equalBytes(encodeNodeKeySignature(decodeNodeKeySignature(signature)), signature)) {
    fail('it is not in canonical form')
  }
  if (claim.signature.sigKind !== SigKind.Direct) fail('it is not a direct signature')
  if (!hasKey(state, claim.authorizingKeyId)) fail('its key is not in the genesis')
  const wrapping = claim.signature.wrappingPubkey
  // Lock keys that anybody can sign for are never stored, so none gets in here.
  const wanted = row.lockKey === null ? null : lockPublicBytes(row.lockKey)
  if (wanted === null ? (wrapping?.length ?? 0) > 0 : !equalBytes(wrapping ?? EMPTY, wanted)) {
    fail("its rotation key is not the node's own lock key")
  }
  return { row, signature, claim }
}

const EMPTY = new Uint8Array()

function claimOf(row: NodeRow, signature: Uint8Array): NodeKeyClaim {
  try {
    return claimNodeKey(signature, row.nodeKey)
  } catch (error) {
    if (error instanceof TkaError && error.code === 'signature-node-key') throw nodesChanged()
    throw refusalOf(error, `Cannot accept the signature for node ${row.name}`)
  }
}

/** Does the arithmetic for all of them without holding up the event loop. */
async function requireGood(claims: readonly NodeKeyClaim[]): Promise<void> {
  const checks = claims.flatMap((claim) => claim.checks)
  const verdicts = await createVerifier({ maxSlowChecks: 0 }).verifyBatchAsync(
    checks.map((check) => ({
      publicKey: check.public,
      message: check.message,
      signature: check.signature,
    })),
  )
  if (verdicts.some((verdict) => verdict !== 'valid')) {
    throw new ControlError('invalid-signature', 'A signature of a node key does not verify')
  }
}

function isUnchanged(
  nodes: readonly NodeRow[],
  size: number,
  tailnet: LockContext['tailnet'],
): boolean {
  return (
    nodes.length === size &&
    nodes.every((row) => {
      const now = tailnet.nodes.get(row.id)?.row
      return now?.nodeKey === row.nodeKey && now.lockKey === row.lockKey
    })
  )
}

function startAuthority(context: LockContext, genesis: VerifiedAum): ActiveLock {
  const { tailnet, clock } = context
  const aums = createMemoryStore({ now: () => clock.now() })
  const authority = bootstrapAuthority(aums, genesis)
  const hash = aumHash(genesis)
  const row: AuthorityRow = {
    id: tailnet.ids.authority(),
    tailnetId: tailnet.row.id,
    genesis: hash,
    head: hash,
    stateId: authority.stateId,
    createdAt: clock.now(),
    retiredAt: null,
    disablementSecret: null,
  }
  return { row, authority, aums, headText: aumHashText(hash) }
}

function nodesChanged(): ControlError {
  return new ControlError('conflict', 'Nodes were added or changed meanwhile; run init again')
}
