// SPDX-License-Identifier: Apache-2.0

/**
 * Answers to registrations.
 *
 * @module
 */

import type { RegisterResponse } from '@signet/protocol'
import { MIN_CAPABILITY_VERSION } from '../limits.ts'
import type { NodeRow } from '../store/rows.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { TAGGED_DEVICES_ID } from '../tailnet/users.ts'

/** Refusals, as people read them. */
export const ERROR: Readonly<
  Record<
    'oldClient' | 'noVersion' | 'noNodeKey' | 'otherMachine' | 'otherLogin' | 'denied' | 'usedKey',
    string
  >
> = {
  oldClient: `this client is too old for this server: it must have capability version ${MIN_CAPABILITY_VERSION} (release 1.80) or later`,
  noVersion: 'no client has this capability version',
  noNodeKey: 'the request has no node key',
  otherMachine: 'this node key belongs to another machine',
  otherLogin: 'this login was begun with another node key; log in again',
  denied: 'an administrator has denied this login',
  usedKey: 'this pre-auth key can be used once, and has been used',
}

const NOBODY: Pick<RegisterResponse, 'User' | 'Login'> = {
  User: { ID: 0, DisplayName: '' },
  Login: { ID: 0, Provider: '', LoginName: '', DisplayName: '' },
}

const BLANK: RegisterResponse = {
  ...NOBODY,
  NodeKeyExpired: false,
  MachineAuthorized: false,
  AuthURL: '',
  NodeKeySignature: null,
  Error: '',
}

/** Refused, with a reason. */
export function refused(reason: string): RegisterResponse {
  return { ...BLANK, Error: reason }
}

/** The node is in. */
export function registered(tailnet: Tailnet, row: NodeRow): RegisterResponse {
  return { ...BLANK, ...ownerOf(tailnet, row), MachineAuthorized: true }
}

/** The node must come again with a new key, wrapped in this signature if there is one. */
export function expired(
  tailnet: Tailnet,
  row: NodeRow | null,
  signature: Uint8Array | null,
): RegisterResponse {
  const owner = row === null ? NOBODY : ownerOf(tailnet, row)
  return { ...BLANK, ...owner, NodeKeyExpired: true, NodeKeySignature: signature }
}

/** The node must come again with the same request and its new key wrapped in this signature. */
export function askToSign(oldSignature: Uint8Array): RegisterResponse {
  return { ...BLANK, NodeKeySignature: oldSignature }
}

/** A person has to decide; the node shows them this address and follows up. */
export function askToVisit(url: string): RegisterResponse {
  return { ...BLANK, AuthURL: url }
}

/** The node is out. */
export function loggedOut(tailnet?: Tailnet, row?: NodeRow): RegisterResponse {
  const owner = tailnet === undefined || row === undefined ? NOBODY : ownerOf(tailnet, row)
  return { ...BLANK, ...owner, NodeKeyExpired: true }
}

function ownerOf(tailnet: Tailnet, row: NodeRow): Pick<RegisterResponse, 'User' | 'Login'> {
  const user = tailnet.users.get(row.userId)
  const isTagged = row.tags.length > 0
  const id = isTagged ? TAGGED_DEVICES_ID : row.userId
  const login = isTagged ? 'tagged-devices' : (user?.name ?? 'unknown')
  const name = isTagged ? 'Tagged Devices' : login
  return {
    User: { ID: id, DisplayName: name },
    Login: { ID: id, Provider: 'signet', LoginName: login, DisplayName: name },
  }
}
