// SPDX-License-Identifier: Apache-2.0

/**
 * One node as the tailnet knows it now: what is stored, whether it is connected, and when each aspect that
 * others can see last changed.
 *
 * A record is never edited. The stamps are values of the tailnet's clock: a map session compares them with
 * the value at which it last wrote a frame, and so knows what it owes without having kept a copy of anything.
 *
 * @module
 */

import type { NodeRow } from '../store/rows.ts'
import { sameList } from './lists.ts'
import { shownHostinfo } from './hostinfo.ts'
import { approvedOf } from './routes.ts'

/** When each aspect last changed. One stamp per field group that a patch can carry. */
export interface Stamps {
  readonly created: number
  /** What no patch can carry: name, owner, addresses, tags, routes, host information. */
  readonly whole: number
  readonly key: number
  readonly signature: number
  readonly expiry: number
  readonly disco: number
  readonly endpoints: number
  readonly relay: number
  readonly capability: number
  readonly online: number
  /** What only the node itself is told: its own record and its lock. */
  readonly self: number
}

/** A node, now. */
export interface TailnetNode {
  readonly row: NodeRow
  readonly online: boolean
  /** The routes, other than exit routes, which this node and no other carries now. */
  readonly primary: readonly string[]
  /** The part of its host information that peers get, as JSON. */
  readonly shown: string
  readonly stamps: Stamps
}

/** Where a change is visible. */
export type Visibility = 'peers' | 'self' | 'nobody'

/** Makes the record of a node that is new to this process. */
export function openNode(row: NodeRow, online: boolean, clock: number): TailnetNode {
  return {
    row,
    online,
    primary: [],
    shown: shownHostinfo(row.hostinfo),
    stamps: {
      created: clock,
      whole: clock,
      key: clock,
      signature: clock,
      expiry: clock,
      disco: clock,
      endpoints: clock,
      relay: clock,
      capability: clock,
      online: clock,
      self: clock,
    },
  }
}

/** Returns the record after a change at `clock`, and who can see a difference. */
export function changeNode(
  before: TailnetNode,
  now: Pick<TailnetNode, 'row' | 'online' | 'primary'>,
  clock: number,
): { node: TailnetNode; visibility: Visibility } {
  const old = before.row
  const { row, online, primary } = now
  const shown = old.hostinfo === row.hostinfo ? before.shown : shownHostinfo(row.hostinfo)
  const whole =
    shown !== before.shown ||
    old.name !== row.name ||
    old.userId !== row.userId ||
    old.machineKey !== row.machineKey ||
    old.ipv4 !== row.ipv4 ||
    old.ipv6 !== row.ipv6 ||
    !sameList(before.primary, primary) ||
    !sameList(old.tags, row.tags) ||
    !sameList(old.approvedRoutes, row.approvedRoutes) ||
    (old.hostinfo !== row.hostinfo && !sameList(approvedOf(old), approvedOf(row)))
  const key = old.nodeKey !== row.nodeKey
  const signature = old.signature !== row.signature
  const expiry = old.expiresAt !== row.expiresAt
  const disco = old.discoKey !== row.discoKey
  const endpoints = !sameList(old.endpoints, row.endpoints)
  const relay = old.homeRelay !== row.homeRelay
  const capability = old.capabilityVersion !== row.capabilityVersion
  const presence = before.online !== online
  const self = whole || key || signature || expiry || old.reportedHead !== row.reportedHead
  const peers =
    whole || key || signature || expiry || disco || endpoints || relay || capability || presence
  const at = (changed: boolean, stamp: number): number => (changed ? clock : stamp)
  const { stamps } = before
  return {
    node: {
      row,
      online,
      primary,
      shown,
      stamps:
        peers || self
          ? {
              created: stamps.created,
              whole: at(whole, stamps.whole),
              key: at(key, stamps.key),
              signature: at(signature, stamps.signature),
              expiry: at(expiry, stamps.expiry),
              disco: at(disco, stamps.disco),
              endpoints: at(endpoints, stamps.endpoints),
              relay: at(relay, stamps.relay),
              capability: at(capability, stamps.capability),
              online: at(presence, stamps.online),
              self: at(self, stamps.self),
            }
          : stamps,
    },
    visibility: peers ? 'peers' : self ? 'self' : 'nobody',
  }
}

/** A key past its time, or logged out. */
export function isExpired(row: NodeRow, now: number): boolean {
  return row.expiresAt !== null && row.expiresAt <= now
}
