// SPDX-License-Identifier: Apache-2.0

/**
 * A machine comes in, with a new key: the one place where a node is made or given another key. Whether it may is
 * decided before, by a pre-auth key or by a person.
 *
 * The key, its signature, its expiry and whatever let it in are one transaction, and one message to its peers. Until
 * then nothing of the node that was there before has changed: its old key is served, and its peers keep it.
 *
 * @module
 */

import { isSmallOrder } from '@signet/crypto'
import { isZeroLockPublic, isZeroNodePublic, lockPublicBytes } from '@signet/keys'
import type { LockPublic, MachinePublic } from '@signet/keys'
import type { RegisterRequest, RegisterResponse } from '@signet/protocol'
import { MAX_PREVIOUS_KEYS } from '../limits.ts'
import type { NodeRow, PreAuthKeyRow } from '../store/rows.ts'
import type { TailnetNode } from '../tailnet/node.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { withAutoApproved } from './auto-approve.ts'
import { describeHost, nameFor } from './host.ts'
import type { HostDescription } from './host.ts'
import { newNodeRow } from './new-node.ts'
import type { Grant } from './new-node.ts'
import { askToSign, refused, registered } from './register-response.ts'
import { decideSignature } from './register-signature.ts'
import type { MachineServices } from './services.ts'

/** As what a machine comes in. */
export interface Terms {
  readonly tailnet: Tailnet
  readonly userId: number
  readonly tags: readonly string[]
  readonly ephemeral: boolean
  /** The key that let it in; null when a person did. */
  readonly preAuthKey: PreAuthKeyRow | null
  /** Its record, when it has one already. */
  readonly before: TailnetNode | undefined
  /** The address that it asked from, for the log. */
  readonly source?: string | undefined
  /** The signature of the new key: from this request, or from one before it. */
  readonly signature: Uint8Array | null
}

/** What came of it. Only with `row` has anything changed. */
export interface Entered {
  readonly response: RegisterResponse
  readonly row: NodeRow | null
}

/** Lets a machine in. @throws ControlError 'limit', 'too-large', 'store-failed', 'conflict' */
export function enter(
  services: MachineServices,
  machineKey: MachinePublic,
  request: RegisterRequest,
  terms: Terms,
  now: number,
): Entered {
  const { tailnet, preAuthKey, before } = terms
  const oldNodeKey = isZeroNodePublic(request.OldNodeKey) ? null : request.OldNodeKey
  const lockKey = usableLockKey(request.NLKey)
  const { asked, presence } = services.runtime(tailnet)
  const signing = decideSignature(
    tailnet,
    {
      nodeKey: request.NodeKey,
      oldNodeKey,
      lockKey,
      signature: terms.signature,
      node: before?.row ?? null,
      machineKey,
    },
    asked,
  )
  if (signing.kind === 'refuse') {
    return { response: refused(`cannot register: ${signing.reason}`), row: null }
  }
  if (signing.kind === 'ask') {
    return { response: askToSign(signing.oldSignature), row: null }
  }
  if (signing.note !== undefined) {
    services.logger.warn({ machine: machineKey, reason: signing.note }, 'joins locked out')
  }
  const grant: Grant = {
    userId: terms.userId,
    tags: terms.tags,
    ephemeral: terms.ephemeral,
    preAuthKeyId: preAuthKey?.id ?? null,
    nodeKey: request.NodeKey,
    lockKey,
    signature: signing.signature,
    capabilityVersion: request.Version,
    expiresAt: expiryOf(services, terms, now),
  }
  const joined =
    before === undefined
      ? newNodeRow(tailnet, machineKey, describeHost(request.Hostinfo, null), grant, now)
      : rekeyed(tailnet, before, describeHost(request.Hostinfo, before.row), grant)
  const row = withAutoApproved(services, tailnet, before?.row ?? null, joined)
  tailnet.write((draft) => {
    // In one transaction: a one-time key is used exactly when the node is there.
    if (preAuthKey !== null && !preAuthKey.reusable && preAuthKey.usedAt === null) {
      draft.useKey(preAuthKey, now)
    }
    draft.putNode(row)
  })
  if (oldNodeKey !== null) asked.forget(machineKey, oldNodeKey)
  presence.expect(row.id)
  services.logger.info(
    {
      node: row.id,
      name: row.name,
      rekeyed: before !== undefined,
      signed: row.signature !== null,
      source: terms.source,
    },
    'node registered',
  )
  return { response: registered(tailnet, row), row }
}

/** A lock key that others can be asked to name as wrapping key: present, and not one of small order. */
export function usableLockKey(key: LockPublic): LockPublic | null {
  return isZeroLockPublic(key) || isSmallOrder(lockPublicBytes(key)) ? null : key
}

/** The record which the request names by its old key. An old key of another machine names nothing. */
export function namedNode(
  tailnet: Tailnet,
  machineKey: MachinePublic,
  request: RegisterRequest,
): TailnetNode | undefined {
  const named = tailnet.nodeByKey(request.OldNodeKey)
  return named?.row.machineKey === machineKey ? named : undefined
}

function expiryOf({ keyLifetimeMs }: MachineServices, { tags }: Terms, now: number): number | null {
  return tags.length > 0 || keyLifetimeMs === null ? null : now + keyLifetimeMs
}

function rekeyed(
  tailnet: Tailnet,
  before: TailnetNode,
  host: HostDescription,
  grant: Grant,
): NodeRow {
  const { row } = before
  const previousKeys =
    row.nodeKey === grant.nodeKey ? row.previousKeys : [row.nodeKey, ...row.previousKeys]
  return {
    ...row,
    ...host,
    ...nameFor(tailnet, row, host),
    ...grant,
    previousKeys: previousKeys.slice(0, MAX_PREVIOUS_KEYS),
  }
}
