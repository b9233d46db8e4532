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

import { isZeroNodePublic } from '@signet/keys'
import { wireTimeMs } from '@signet/protocol'
import type { RegisterRequest, RegisterResponse } from '@signet/protocol'
import { ControlError } from '../errors.ts'
import { MAX_CLIENT_INT, MAX_WIRE_TIME_MS, MIN_CAPABILITY_VERSION } from '../limits.ts'
import type { Login } from '../login/logins.ts'
import type { NodeRow, PreAuthKeyRow } from '../store/rows.ts'
import { isExpired } from '../tailnet/node.ts'
import type { TailnetNode } from '../tailnet/node.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import type { FoundNode } from '../tailnet/tailnets.ts'
import { withAutoApproved } from './auto-approve.ts'
import { enter, namedNode, usableLockKey } from './enter.ts'
import { describeHost, nameFor } from './host.ts'
import { logIn } from './interactive.ts'
import type { Held } from './interactive.ts'
import { checkPreAuthKey } from './join.ts'
import { ERROR, expired, loggedOut, refused, registered } from './register-response.ts'
import { signatureToRotate } from './register-signature.ts'
import type { Caller } from './request.ts'
import type { MachineServices } from './services.ts'

/**
 * Answers one registration; null when the caller left before there was an answer.
 *
 * @throws ControlError 'rate-limited', 'store-failed': what is no refusal but a matter of time has a status of its own,
 *   at which clients try again by themselves
 */
export async function register(
  services: MachineServices,
  caller: Caller,
  request: RegisterRequest,
  signal: AbortSignal,
): Promise<RegisterResponse | null> {
  services.loginLimits.registrations.use(caller.machineKey)
  for (;;) {
    const answer = registerNow(services, caller, request)
    if (!('held' in answer)) return answer
    using _presence = staysConnected(services, answer.held)
    const how = await services.logins.changed(answer.held, signal)
    if (signal.aborted) return null
    if (how === 'replaced') {
      throw new ControlError('rate-limited', 'Another login took the place of this one', {
        retryAfterSeconds: 30,
      })
    }
  }
}

/** Answers one registration, unless the answer has to wait for a person. */
export function registerNow(
  services: MachineServices,
  caller: Caller,
  request: RegisterRequest,
): RegisterResponse | Held {
  const response = answer(services, caller, request)
  if ('held' in response) return response
  return services.intercept?.register?.(caller.machineKey, request, response) ?? response
}

/**
 * A client that asks for a new key ends its map stream and holds only the followup, while its old key goes on
 * carrying traffic: it is not gone.
 */
function staysConnected(services: MachineServices, { request }: Login): Disposable {
  const { tailnet, node } = request
  const row = node === null ? undefined : tailnet?.nodes.get(node)?.row
  const isServed =
    row !== undefined && row.firstMapAt !== null && !isExpired(row, services.clock.now())
  if (tailnet === null || !isServed) return { [Symbol.dispose]: () => {} }
  return { [Symbol.dispose]: services.runtime(tailnet).presence.connect(row.id) }
}

function answer(
  services: MachineServices,
  caller: Caller,
  request: RegisterRequest,
): RegisterResponse | Held {
  try {
    return decide(services, caller, request)
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    if (error.code === 'rate-limited' || error.code === 'store-failed') throw error
    return refused(error.message)
  }
}

function decide(
  services: MachineServices,
  caller: Caller,
  request: RegisterRequest,
): RegisterResponse | Held {
  if (request.Version < MIN_CAPABILITY_VERSION) return refused(ERROR.oldClient)
  if (request.Version > MAX_CLIENT_INT) return refused(ERROR.noVersion)
  if (isZeroNodePublic(request.NodeKey)) return refused(ERROR.noNodeKey)
  const now = services.clock.now()
  const found = services.tailnets.findNode(request.NodeKey)
  if (found !== undefined && found.node.row.machineKey !== caller.machineKey) {
    return refused(ERROR.otherMachine)
  }
  const expiry = wireTimeMs(request.Expiry)
  if (expiry !== undefined && expiry <= now) return logOut(services, found, now)
  if (found === undefined) return join(services, caller, request, now)
  if (isExpired(found.node.row, now)) return askForNewKey(services, found, request)
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
  const latest = row.expiresAt ?? MAX_WIRE_TIME_MS
  const sooner = expiry !== undefined && expiry < latest
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
function askForNewKey(
  services: MachineServices,
  { tailnet, node }: FoundNode,
  request: RegisterRequest,
): RegisterResponse {
  const signature = signatureToRotate(tailnet, {
    node: node.row,
    lockKey: usableLockKey(request.NLKey),
    oldNodeKey: null,
  })
  // A client that is handed it a second time takes that for an answer, and believes that it is in.
  if (signature !== null) {
    services.runtime(tailnet).asked.mark(node.row.machineKey, node.row.nodeKey)
  }
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
): RegisterResponse | Held {
  const authKey = request.Auth?.AuthKey ?? ''
  if (authKey === '') return logIn(services, caller, request, now)
  const { tailnet, key } = checkPreAuthKey(services.tailnets, authKey, now)
  const before = previousNode(tailnet, caller, request, key)
  if (!key.reusable && key.usedAt !== null && !isLostAnswer(before, key)) {
    return refused(ERROR.usedKey)
  }
  return enter(
    services,
    caller.machineKey,
    request,
    {
      tailnet,
      userId: key.userId,
      tags: key.tags,
      ephemeral: key.ephemeral || request.Ephemeral === true,
      preAuthKey: key,
      before,
      source: caller.source,
      signature: request.NodeKeySignature,
    },
    now,
  ).response
}

/** The record that this machine has already: the one it names, or the one with the same owner. */
function previousNode(
  tailnet: Tailnet,
  caller: Caller,
  request: RegisterRequest,
  key: PreAuthKeyRow,
): TailnetNode | undefined {
  const named = namedNode(tailnet, caller.machineKey, request)
  if (named !== undefined) return named
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
