// SPDX-License-Identifier: Apache-2.0

/**
 * Registration: joining, coming back, changing the node key, shortening its life, logging out.
 *
 * The answer is always a message with status 200; what is refused is refused in its `Error`. The connection has
 * proven the machine key and nothing else: the node key in the request is a claim, which must not be one that
 * belongs to another machine.
 *
 * @module
 */

import { isSmallOrder } from '@signet/crypto'
import { isZeroLockPublic, isZeroNodePublic, lockPublicBytes } from '@signet/keys'
import type { LockPublic } from '@signet/keys'
import { wireTimeMs } from '@signet/protocol'
import type { RegisterRequest, RegisterResponse } from '@signet/protocol'
import { ControlError } from '../errors.ts'
import { MAX_PREVIOUS_KEYS, MIN_CAPABILITY_VERSION } from '../limits.ts'
import type { NodeRow, PreAuthKeyRow } from '../store/rows.ts'
import { isExpired } from '../tailnet/node.ts'
import type { TailnetNode } from '../tailnet/node.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import type { FoundNode } from '../tailnet/tailnets.ts'
import { withAutoApproved } from './auto-approve.ts'
import { describeHost, nameFor } from './host.ts'
import type { HostDescription } from './host.ts'
import { checkPreAuthKey } from './join.ts'
import { newNodeRow } from './new-node.ts'
import { ERROR, expired, loggedOut, refused, registered } from './register-response.ts'
import { decideSignature, signatureToRotate } from './register-signature.ts'
import type { Caller } from './request.ts'
import type { MachineServices } from './services.ts'

/** Answers one registration. */
export function register(
  services: MachineServices,
  caller: Caller,
  request: RegisterRequest,
): RegisterResponse {
  const response = answer(services, caller, request)
  return services.intercept?.register?.(caller.machineKey, request, response) ?? response
}

function answer(
  services: MachineServices,
  caller: Caller,
  request: RegisterRequest,
): RegisterResponse {
  try {
    return decide(services, caller, request)
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    // Being asked to slow down is the one refusal that has a status of its own.
    if (error.code === 'rate-limited') throw error
    return refused(error.message)
  }
}

function decide(
  services: MachineServices,
  caller: Caller,
  request: RegisterRequest,
): RegisterResponse {
  if (request.Version < MIN_CAPABILITY_VERSION) return refused(ERROR.oldClient)
  if (isZeroNodePublic(request.NodeKey)) return refused(ERROR.noNodeKey)
  const now = services.clock.now()
  const found = services.tailnets.findNode(request.NodeKey)
  if (found !== undefined && found.node.row.machineKey !== caller.machineKey) {
    return refused(ERROR.otherMachine)
  }
  const expiry = wireTimeMs(request.Expiry)
  if (expiry !== undefined && expiry <= now) return logOut(services, found, now)
  if (found === undefined) return join(services, caller, request, now)
  if (isExpired(found.node.row, now)) return askForNewKey(found, request)
  return comeBack(services, found, request, expiry, now)
}

/** A node that is registered starts again, or wants its key to expire sooner. */
function comeBack(
  services: MachineServices,
  { tailnet, node }: FoundNode,
  request: RegisterRequest,
  expiry: number | undefined,
  now: number,
): RegisterResponse {
  const { row } = node
  const host = describeHost(request.Hostinfo, row)
  const lockKey = usableLockKey(request.NLKey)
  const sooner = expiry !== undefined && (row.expiresAt === null || expiry < row.expiresAt)
  const next = withAutoApproved(services, tailnet, row, {
    ...row,
    ...host,
    ...nameFor(tailnet, row, host),
    lockKey,
    capabilityVersion: request.Version,
    expiresAt: sooner ? expiry : row.expiresAt,
  })
  if (!isSameRegistration(row, next)) tailnet.write((draft) => draft.putNode(next))
  services.logger.debug({ node: row.id, at: now }, 'node came back')
  return registered(tailnet, next)
}

/**
 * A node whose key has expired needs a new one. Under the lock it is handed its old signature in the same
 * answer: clients take it at this moment or never.
 */
function askForNewKey({ tailnet, node }: FoundNode, request: RegisterRequest): RegisterResponse {
  const signature = signatureToRotate(tailnet, {
    node: node.row,
    lockKey: usableLockKey(request.NLKey),
    oldNodeKey: null,
  })
  return expired(tailnet, node.row, signature)
}

/** The key is good for nothing from now on; an ephemeral node leaves nothing behind. */
function logOut(
  services: MachineServices,
  found: FoundNode | undefined,
  now: number,
): RegisterResponse {
  if (found === undefined) return loggedOut()
  const { tailnet, node } = found
  const { id } = node.row
  tailnet.write((draft) => {
    if (node.row.ephemeral) draft.deleteNode(id)
    else if (!isExpired(node.row, now)) draft.putNode({ ...node.row, expiresAt: now })
  })
  services.logger.info({ node: id, name: node.row.name }, 'node logged out')
  return loggedOut(tailnet, node.row)
}

/** A key that nobody knows: a new machine, or a known one with a new key. */
function join(
  services: MachineServices,
  caller: Caller,
  request: RegisterRequest,
  now: number,
): RegisterResponse {
  const authKey = request.Auth?.AuthKey ?? ''
  // Interactive login will continue here.
  if (authKey === '') return refused(ERROR.needsAuthKey)
  const { tailnet, key } = checkPreAuthKey(services.tailnets, authKey, now)
  const before = previousNode(tailnet, caller, request, key)
  if (!key.reusable && key.usedAt !== null && !isLostAnswer(before, key)) {
    return refused(ERROR.usedKey)
  }
  const oldNodeKey = isZeroNodePublic(request.OldNodeKey) ? null : request.OldNodeKey
  const lockKey = usableLockKey(request.NLKey)
  const { asked } = services.runtime(tailnet)
  const signing = decideSignature(
    tailnet,
    {
      nodeKey: request.NodeKey,
      oldNodeKey,
      lockKey,
      signature: request.NodeKeySignature,
      node: before?.row ?? null,
      machineKey: caller.machineKey,
    },
    asked,
  )
  if (signing.kind === 'refuse') return refused(`cannot register: ${signing.reason}`)
  if (signing.kind === 'ask')
    return { ...expired(tailnet, null, signing.oldSignature), NodeKeyExpired: false }
  if (signing.note !== undefined) {
    services.logger.warn({ machine: caller.machineKey, reason: signing.note }, 'joins locked out')
  }
  const grant = {
    userId: key.userId,
    tags: key.tags,
    ephemeral: key.ephemeral || request.Ephemeral === true,
    preAuthKeyId: key.id,
    nodeKey: request.NodeKey,
    lockKey,
    signature: signing.signature,
    capabilityVersion: request.Version,
    expiresAt:
      key.tags.length > 0 || services.keyLifetimeMs === null ? null : now + services.keyLifetimeMs,
  }
  const joined =
    before === undefined
      ? newNodeRow(tailnet, caller.machineKey, describeHost(request.Hostinfo, null), grant, now)
      : rekeyed(tailnet, before, describeHost(request.Hostinfo, before.row), grant)
  const row = withAutoApproved(services, tailnet, before?.row ?? null, joined)
  tailnet.write((draft) => {
    // In one transaction: a one-time key is used exactly when the node is there.
    if (!key.reusable && key.usedAt === null) draft.useKey(key, now)
    draft.putNode(row)
  })
  if (oldNodeKey !== null) asked.forget(caller.machineKey, oldNodeKey)
  services.logger.info(
    { node: row.id, name: row.name, rekeyed: before !== undefined, signed: row.signature !== null },
    'node registered',
  )
  return registered(tailnet, row)
}

/** The record that this machine has already: the one it names, or the one with the same owner. */
function previousNode(
  tailnet: Tailnet,
  caller: Caller,
  request: RegisterRequest,
  key: PreAuthKeyRow,
): TailnetNode | undefined {
  const named = tailnet.nodeByKey(request.OldNodeKey)
  if (named !== undefined && named.row.machineKey === caller.machineKey) return named
  return tailnet
    .nodesOfMachine(caller.machineKey)
    .find(({ row }) =>
      key.tags.length > 0
        ? row.tags.length > 0
        : row.tags.length === 0 && row.userId === key.userId,
    )
}

/** This key made this very node, which never came for its map: the answer was lost on the way. */
function isLostAnswer(before: TailnetNode | undefined, key: PreAuthKeyRow): boolean {
  return (
    before !== undefined && before.row.preAuthKeyId === key.id && before.row.firstMapAt === null
  )
}

function rekeyed(
  tailnet: Tailnet,
  before: TailnetNode,
  host: HostDescription,
  grant: Pick<
    NodeRow,
    | 'userId'
    | 'tags'
    | 'ephemeral'
    | 'preAuthKeyId'
    | 'nodeKey'
    | 'lockKey'
    | 'signature'
    | 'capabilityVersion'
    | 'expiresAt'
  >,
): NodeRow {
  const { row } = before
  return {
    ...row,
    ...host,
    ...nameFor(tailnet, row, host),
    ...grant,
    previousKeys: [row.nodeKey, ...row.previousKeys].slice(0, MAX_PREVIOUS_KEYS),
  }
}

/** Whether a registration brought nothing new: then nothing needs to be written. */
function isSameRegistration(a: NodeRow, b: NodeRow): boolean {
  return (
    a.hostinfo === b.hostinfo &&
    a.approvedRoutes === b.approvedRoutes &&
    a.name === b.name &&
    a.lockKey === b.lockKey &&
    a.capabilityVersion === b.capabilityVersion &&
    a.expiresAt === b.expiresAt
  )
}

/** A lock key that others can be asked to name as wrapping key: present, and not one of small order. */
function usableLockKey(key: LockPublic): LockPublic | null {
  return isZeroLockPublic(key) || isSmallOrder(lockPublicBytes(key)) ? null : key
}
