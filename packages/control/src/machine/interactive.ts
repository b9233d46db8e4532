// SPDX-License-Identifier: Apache-2.0

/**
 * Interactive login: a machine without a pre-auth key is given an address and waits for a person to decide.
 *
 *     asks                    -> AuthURL
 *     follows up, undecided   -> held
 *     follows up, approved    -> comes in, with the signature that was stashed when it asked
 *     follows up, denied      -> Error, as often as it likes
 *     follows up to nothing   -> another AuthURL
 *
 * Nothing changes before the machine fetches what was approved, and then everything is looked at anew: the lock,
 * the signature, the user, the node that was there before. Clients make another node key for every attempt that
 * failed, so an approval is for the machine: when its answer was lost, the next key of the same machine gets it.
 *
 * @module
 */

import { isZeroNodePublic } from '@signet/keys'
import type { RegisterRequest, RegisterResponse } from '@signet/protocol'
import { ControlError } from '../errors.ts'
import { MAX_SIGNATURE_BYTES, MAX_TAGS } from '../limits.ts'
import type { Approval, Login } from '../login/logins.ts'
import { addressBytes, isLoopback, placeOf } from '../relay/strangers.ts'
import { isTag } from '../tailnet/names.ts'
import type { TailnetNode } from '../tailnet/node.ts'
import type { FoundNode } from '../tailnet/tailnets.ts'
import { defaultUser } from '../tailnet/users.ts'
import { enter, namedNode, usableLockKey } from './enter.ts'
import type { Terms } from './enter.ts'
import { askToVisit, askToSign, ERROR, refused } from './register-response.ts'
import { decideSignature } from './register-signature.ts'
import type { Caller } from './request.ts'
import type { MachineServices } from './services.ts'

/** The answer has to wait for a person. */
export interface Held {
  readonly held: Login
}

/** Answers a machine that brings no pre-auth key, and a node key that nobody knows. */
export function logIn(
  services: MachineServices,
  caller: Caller,
  request: RegisterRequest,
  now: number,
): RegisterResponse | Held {
  const { logins } = services
  const named = request.Followup === '' ? undefined : logins.byUrl(request.Followup)
  // What is another machine's is not there.
  if (named?.machineKey === caller.machineKey) {
    if (request.NodeKey !== named.request.nodeKey) return refused(ERROR.otherLogin)
    switch (named.state.kind) {
      case 'waiting':
        return { held: named }
      case 'denied':
        return refused(ERROR.denied)
      case 'approved':
        return comeIn(services, named, named.state.approval, request, now)
      case 'joined':
        // And is not there any more: an administrator removed it meanwhile.
        return ask(services, caller, request)
    }
  }
  const before = logins.ofMachine(caller.machineKey)
  const approval = before === undefined ? null : unfetched(before)
  return before !== undefined && approval !== null
    ? comeIn(services, before, approval, request, now)
    : ask(services, caller, request)
}

/** An approval whose node has never been seen since: its answer was lost on the way. */
function unfetched({ state, machineKey }: Login): Approval | null {
  if (state.kind === 'approved') return state.approval
  if (state.kind !== 'joined') return null
  const node = state.approval.tailnet.nodes.get(state.node)
  const isUnseen = node?.row.machineKey === machineKey && node.row.firstMapAt === null
  return isUnseen ? state.approval : null
}

function ask(
  services: MachineServices,
  caller: Caller,
  request: RegisterRequest,
): RegisterResponse {
  const { machineKey } = caller
  const { logins, tailnets, loginLimits } = services
  const isStranger = !tailnets.knowsMachine(machineKey)
  loginLimits.ofMachine.use(machineKey)
  if (isStranger) limitPlace(services, caller)
  const found = foundByOldKey(services, caller, request)
  const signing = lookAtSignature(services, caller, request, found)
  if ('refuse' in signing) return refused(`cannot register: ${signing.refuse}`)
  if ('ask' in signing) return askToSign(signing.ask)
  const host = request.Hostinfo
  const login = logins.ask(
    machineKey,
    {
      nodeKey: request.NodeKey,
      lockKey: usableLockKey(request.NLKey),
      hostname: (host?.Hostname ?? '').slice(0, 255),
      os: (host?.OS ?? '').slice(0, 64),
      requestedTags: (host?.RequestTags ?? []).filter(isTag).slice(0, MAX_TAGS),
      ephemeral: request.Ephemeral === true,
      from: caller.source ?? '',
      tailnet: found?.tailnet ?? null,
      node: found?.node.row.id ?? null,
      signature: signing.stash,
    },
    isStranger,
  )
  services.logger.info({ machine: machineKey, login: login.id.slice(0, 8) }, 'login waits')
  return askToVisit(logins.urlOf(login))
}

function limitPlace({ loginLimits }: MachineServices, { source = '' }: Caller): void {
  const address = addressBytes(source)
  // A proxy on this machine stands for everybody.
  if (!isLoopback(address)) loginLimits.ofPlace.use(placeOf(address))
}

function foundByOldKey(
  { tailnets }: MachineServices,
  { machineKey }: Caller,
  { OldNodeKey }: RegisterRequest,
): FoundNode | undefined {
  const found = isZeroNodePublic(OldNodeKey) ? undefined : tailnets.findNode(OldNodeKey)
  return found?.node.row.machineKey === machineKey ? found : undefined
}

/** The signature is looked at when it comes, and again when the machine comes in. */
function lookAtSignature(
  services: MachineServices,
  { machineKey }: Caller,
  request: RegisterRequest,
  found: FoundNode | undefined,
):
  | { readonly stash: Uint8Array | null }
  | { readonly ask: Uint8Array }
  | { readonly refuse: string } {
  const signature = request.NodeKeySignature
  if (signature !== null && signature.length > MAX_SIGNATURE_BYTES) {
    return { refuse: `a signature has at most ${MAX_SIGNATURE_BYTES} bytes` }
  }
  // Which lock it would have to hold under is known when somebody has decided.
  if (found === undefined) return { stash: signature }
  const decision = decideSignature(
    found.tailnet,
    {
      nodeKey: request.NodeKey,
      oldNodeKey: request.OldNodeKey,
      lockKey: usableLockKey(request.NLKey),
      signature,
      node: found.node.row,
      machineKey,
    },
    services.runtime(found.tailnet).asked,
  )
  if (decision.kind === 'ask') return { ask: decision.oldSignature }
  if (decision.kind === 'refuse') return { refuse: decision.reason }
  return { stash: signature }
}

function comeIn(
  services: MachineServices,
  login: Login,
  approval: Approval,
  request: RegisterRequest,
  now: number,
): RegisterResponse {
  const { logins } = services
  try {
    const terms = termsOf(login, approval, request, now)
    const { response, row } = enter(services, login.machineKey, request, terms, now)
    if (row !== null) logins.decide(login, { kind: 'joined', approval, node: row.id })
    else if (response.Error !== '') logins.decide(login, { kind: 'waiting' }, response.Error)
    return response
  } catch (error) {
    if (error instanceof ControlError) logins.decide(login, { kind: 'waiting' }, error.message)
    throw error
  }
}

/** What was approved, as it is now. @throws ControlError 'conflict' */
function termsOf(login: Login, approval: Approval, request: RegisterRequest, now: number): Terms {
  const { tailnet } = approval
  const { machineKey } = login
  const mine = tailnet.nodesOfMachine(machineKey)
  // The node that was shown to whoever decided, not one that the machine names now.
  const shown = mine.find(({ row }) => row.id === login.request.node)
  const named = shown ?? namedNode(tailnet, machineKey, request)
  const known = named ?? (mine.length === 1 ? mine[0] : undefined)
  const isDecided = approval.user !== null || approval.tags !== null || known !== undefined
  if (!isDecided && tailnet.users.size > 1) {
    throw new ControlError(
      'conflict',
      'The node that was to be renewed is gone: say whose node it is',
    )
  }
  const userId = approval.user?.id ?? known?.row.userId ?? defaultUser(tailnet, now).id
  if (!tailnet.users.has(userId)) {
    throw new ControlError('conflict', 'The user for whom this login was approved is gone')
  }
  const inherited = approval.user === null ? known?.row.tags : undefined
  const tags = approval.tags ?? inherited ?? []
  const isSameOwner = ({ row }: TailnetNode): boolean =>
    tags.length > 0 ? row.tags.length > 0 : row.tags.length === 0 && row.userId === userId
  return {
    tailnet,
    userId,
    tags,
    ephemeral: approval.ephemeral || login.request.ephemeral,
    preAuthKey: null,
    before: named ?? mine.find(isSameOwner),
    // A followup does not repeat it; it was for this key, if the key is still the same.
    signature:
      request.NodeKeySignature ??
      (request.NodeKey === login.request.nodeKey ? login.request.signature : null),
  }
}
