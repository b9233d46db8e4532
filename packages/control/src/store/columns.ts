// SPDX-License-Identifier: Apache-2.0

/**
 * Between rows and SQLite columns. What comes out of our own database was checked when it went in:
 * the casts to branded texts here are the only ones, and say so.
 *
 * @module
 */

import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { fromHex, toHex } from '@signet/codec'
import type { DiscoPublic, LockPublic, MachinePublic, NodePublic } from '@signet/keys'
import type { AumHash } from '@signet/tka'
import type {
  AumRow,
  AuthorityRow,
  NodeRow,
  PendingInitRow,
  PreAuthKeyRow,
  Role,
  TailnetRow,
  UserRow,
} from './rows.ts'

/** Column names and values, in a fixed order per table. */
export type Columns = globalThis.Record<string, SQLInputValue>
/** One row as the driver gives it. */
export type Record = globalThis.Record<string, SQLOutputValue>

const num = (value: SQLOutputValue | undefined): number => Number(value)
const numOrNull = (value: SQLOutputValue | undefined): number | null =>
  value === null || value === undefined ? null : Number(value)
const text = (value: SQLOutputValue | undefined): string => (typeof value === 'string' ? value : '')
const textOrNull = (value: SQLOutputValue | undefined): string | null =>
  typeof value === 'string' ? value : null
const bool = (value: SQLOutputValue | undefined): boolean => value === 1
const blob = (value: SQLOutputValue | undefined): Uint8Array =>
  value instanceof Uint8Array ? value : new Uint8Array()
const blobOrNull = (value: SQLOutputValue | undefined): Uint8Array | null =>
  value instanceof Uint8Array ? value : null
const list = (value: SQLOutputValue | undefined): readonly string[] => {
  const source = text(value)
  return source === '[]' ? NONE : (JSON.parse(source) as string[])
}
const NONE: readonly never[] = []
const hash = (value: SQLOutputValue | undefined): AumHash => toHex(blob(value)) as AumHash

/** The columns of a tailnet. */
export function tailnetColumns(row: TailnetRow): Columns {
  return { id: row.id, name: row.name, domain: row.domain, created_at: row.createdAt }
}

/** A tailnet from its columns. */
export function readTailnet(row: Record): TailnetRow {
  return {
    id: num(row['id']),
    name: text(row['name']),
    domain: text(row['domain']),
    createdAt: num(row['created_at']),
  }
}

/** The columns of a user. */
export function userColumns(row: UserRow): Columns {
  return {
    id: row.id,
    tailnet_id: row.tailnetId,
    name: row.name,
    role: row.role,
    created_at: row.createdAt,
  }
}

/** A user from its columns. */
export function readUser(row: Record): UserRow {
  return {
    id: num(row['id']),
    tailnetId: num(row['tailnet_id']),
    name: text(row['name']),
    role: text(row['role']) as Role,
    createdAt: num(row['created_at']),
  }
}

/** The columns of a pre-auth key. */
export function preAuthKeyColumns(row: PreAuthKeyRow): Columns {
  return {
    id: row.id,
    tailnet_id: row.tailnetId,
    user_id: row.userId,
    secret_hash: row.secretHash,
    reusable: Number(row.reusable),
    ephemeral: Number(row.ephemeral),
    pre_approved: Number(row.preApproved),
    tags: JSON.stringify(row.tags),
    created_at: row.createdAt,
    expires_at: row.expiresAt,
    used_at: row.usedAt,
    revoked_at: row.revokedAt,
  }
}

/** A pre-auth key from its columns. */
export function readPreAuthKey(row: Record): PreAuthKeyRow {
  return {
    id: text(row['id']),
    tailnetId: num(row['tailnet_id']),
    userId: num(row['user_id']),
    secretHash: blob(row['secret_hash']),
    reusable: bool(row['reusable']),
    ephemeral: bool(row['ephemeral']),
    preApproved: bool(row['pre_approved']),
    tags: list(row['tags']),
    createdAt: num(row['created_at']),
    expiresAt: numOrNull(row['expires_at']),
    usedAt: numOrNull(row['used_at']),
    revokedAt: numOrNull(row['revoked_at']),
  }
}

/** The columns of a node. */
export function nodeColumns(row: NodeRow): Columns {
  return {
    id: row.id,
    tailnet_id: row.tailnetId,
    stable_id: row.stableId,
    user_id: row.userId,
    machine_key: row.machineKey,
    node_key: row.nodeKey,
    lock_key: row.lockKey,
    disco_key: row.discoKey,
    hostname: row.hostname,
    name: row.name,
    name_fixed: Number(row.nameFixed),
    ipv4: row.ipv4,
    ipv6: row.ipv6,
    tags: JSON.stringify(row.tags),
    ephemeral: Number(row.ephemeral),
    expires_at: row.expiresAt,
    created_at: row.createdAt,
    pre_auth_key_id: row.preAuthKeyId,
    first_map_at: row.firstMapAt,
    last_seen_at: row.lastSeenAt,
    hostinfo: row.hostinfo,
    endpoints: JSON.stringify(row.endpoints),
    endpoint_types: JSON.stringify(row.endpointTypes),
    home_relay: row.homeRelay,
    capability_version: row.capabilityVersion,
    signature: row.signature,
    previous_keys: JSON.stringify(row.previousKeys),
    reported_head: row.reportedHead,
    reported_head_at: row.reportedHeadAt,
    approved_routes: JSON.stringify(row.approvedRoutes),
  }
}

/** A node from its columns. */
export function readNode(row: Record): NodeRow {
  return {
    id: num(row['id']),
    tailnetId: num(row['tailnet_id']),
    stableId: text(row['stable_id']),
    userId: num(row['user_id']),
    machineKey: text(row['machine_key']) as MachinePublic,
    nodeKey: text(row['node_key']) as NodePublic,
    lockKey: textOrNull(row['lock_key']) as LockPublic | null,
    discoKey: textOrNull(row['disco_key']) as DiscoPublic | null,
    hostname: text(row['hostname']),
    name: text(row['name']),
    nameFixed: bool(row['name_fixed']),
    ipv4: text(row['ipv4']),
    ipv6: text(row['ipv6']),
    tags: list(row['tags']),
    ephemeral: bool(row['ephemeral']),
    expiresAt: numOrNull(row['expires_at']),
    createdAt: num(row['created_at']),
    preAuthKeyId: textOrNull(row['pre_auth_key_id']),
    firstMapAt: numOrNull(row['first_map_at']),
    lastSeenAt: numOrNull(row['last_seen_at']),
    hostinfo: text(row['hostinfo']),
    endpoints: list(row['endpoints']),
    endpointTypes: list(row['endpoint_types']).map(Number),
    homeRelay: num(row['home_relay']),
    capabilityVersion: num(row['capability_version']),
    signature: blobOrNull(row['signature']),
    previousKeys: list(row['previous_keys']) as NodePublic[],
    reportedHead: text(row['reported_head']),
    reportedHeadAt: numOrNull(row['reported_head_at']),
    approvedRoutes: list(row['approved_routes']),
  }
}

/** The columns of an authority. */
export function authorityColumns(row: AuthorityRow): Columns {
  return {
    id: row.id,
    tailnet_id: row.tailnetId,
    genesis: fromHex(row.genesis),
    head: fromHex(row.head),
    state_id: row.stateId,
    created_at: row.createdAt,
    retired_at: row.retiredAt,
    disablement_secret: row.disablementSecret,
  }
}

/** An authority from its columns. */
export function readAuthority(row: Record): AuthorityRow {
  return {
    id: num(row['id']),
    tailnetId: num(row['tailnet_id']),
    genesis: hash(row['genesis']),
    head: hash(row['head']),
    stateId: text(row['state_id']),
    createdAt: num(row['created_at']),
    retiredAt: numOrNull(row['retired_at']),
    disablementSecret: blobOrNull(row['disablement_secret']),
  }
}

/** The columns of an update. */
export function aumColumns(row: AumRow): Columns {
  return {
    authority_id: row.authorityId,
    hash: fromHex(row.hash),
    parent: row.parent === null ? null : fromHex(row.parent),
    raw: row.raw,
    arrived_at: row.arrivedAt,
  }
}

/** An update from its columns. */
export function readAum(row: Record): AumRow {
  return {
    authorityId: num(row['authority_id']),
    hash: hash(row['hash']),
    parent: row['parent'] === null ? null : hash(row['parent']),
    raw: blob(row['raw']),
    arrivedAt: num(row['arrived_at']),
  }
}

/** The columns of a pending initialisation. */
export function pendingInitColumns(row: PendingInitRow): Columns {
  return {
    tailnet_id: row.tailnetId,
    node_id: row.nodeId,
    machine_key: row.machineKey,
    genesis: row.genesis,
    expires_at: row.expiresAt,
  }
}

/** A pending initialisation from its columns. */
export function readPendingInit(row: Record): PendingInitRow {
  return {
    tailnetId: num(row['tailnet_id']),
    nodeId: num(row['node_id']),
    machineKey: text(row['machine_key']) as MachinePublic,
    genesis: blob(row['genesis']),
    expiresAt: num(row['expires_at']),
  }
}
