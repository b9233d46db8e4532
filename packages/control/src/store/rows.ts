// SPDX-License-Identifier: Apache-2.0

/**
 * What is stored, as immutable records. Their shape is that of the tables, not that of any message.
 *
 * Times are milliseconds since 1970; keys are their canonical texts.
 *
 * @module
 */

import type { DiscoPublic, LockPublic, MachinePublic, NodePublic } from '@signet/keys'
import type { AumHash } from '@signet/tka'

/** What a user may do to the tailnet. */
export type Role = 'owner' | 'admin' | 'member'

/** One network. */
export interface TailnetRow {
  readonly id: number
  /** The short name by which operators select it. */
  readonly name: string
  /** The MagicDNS suffix, without dots at its ends. */
  readonly domain: string
  readonly createdAt: number
}

/** One person, or one thing that owns nodes. */
export interface UserRow {
  readonly id: number
  readonly tailnetId: number
  readonly name: string
  readonly role: Role
  readonly createdAt: number
}

/** One machine in one tailnet. */
export interface NodeRow {
  readonly id: number
  readonly tailnetId: number
  readonly stableId: string
  /** Who registered it. A node with tags is owned by the tags, and this user has no say by it. */
  readonly userId: number
  readonly machineKey: MachinePublic
  readonly nodeKey: NodePublic
  /** The tailnet-lock key which the node reported at its last registration. */
  readonly lockKey: LockPublic | null
  readonly discoKey: DiscoPublic | null
  /** The name which the machine gives itself. */
  readonly hostname: string
  /** The unique first label of its DNS name. */
  readonly name: string
  /** Set when an operator chose the name: then a new hostname does not change it. */
  readonly nameFixed: boolean
  readonly ipv4: string
  readonly ipv6: string
  readonly tags: readonly string[]
  readonly ephemeral: boolean
  /** When the node key expires; null means never. */
  readonly expiresAt: number | null
  readonly createdAt: number
  readonly preAuthKeyId: string | null
  /** When it first asked for a map; null: its registration may never have reached it. */
  readonly firstMapAt: number | null
  /** When its last session ended; null while it is connected or has never been. */
  readonly lastSeenAt: number | null
  /** What the machine says about itself: the JSON object as sent. */
  readonly hostinfo: string
  readonly endpoints: readonly string[]
  readonly endpointTypes: readonly number[]
  readonly homeRelay: number
  readonly capabilityVersion: number
  /** The node-key signature, verified when it was stored. */
  readonly signature: Uint8Array | null
  /** Earlier node keys of this node, newest first. */
  readonly previousKeys: readonly NodePublic[]
  /** The head of its tailnet lock as it last told; empty: none. */
  readonly reportedHead: string
  readonly reportedHeadAt: number | null
  readonly approvedRoutes: readonly string[]
}

/** A secret that lets machines join without a person. Only its hash is kept. */
export interface PreAuthKeyRow {
  readonly id: string
  readonly tailnetId: number
  readonly userId: number
  readonly secretHash: Uint8Array
  readonly reusable: boolean
  readonly ephemeral: boolean
  readonly preApproved: boolean
  readonly tags: readonly string[]
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly usedAt: number | null
  readonly revokedAt: number | null
}

/** One authority of a tailnet: at most one is active, retired ones are kept for ever. */
export interface AuthorityRow {
  readonly id: number
  readonly tailnetId: number
  readonly genesis: AumHash
  readonly head: AumHash
  /** Both random numbers of its state, as clients write them: `id1:id2`. */
  readonly stateId: string
  readonly createdAt: number
  readonly retiredAt: number | null
  /** The secret that ended it: public to all nodes by design. */
  readonly disablementSecret: Uint8Array | null
}

/** One update of an authority: the bytes as they came, which are canonical. */
export interface AumRow {
  readonly authorityId: number
  readonly hash: AumHash
  readonly parent: AumHash | null
  readonly raw: Uint8Array
  readonly arrivedAt: number
}

/** An initialisation that was begun: without effect until it is finished. */
export interface PendingInitRow {
  readonly tailnetId: number
  readonly nodeId: number
  readonly machineKey: MachinePublic
  readonly genesis: Uint8Array
  readonly expiresAt: number
}
