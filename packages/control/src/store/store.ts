// SPDX-License-Identifier: Apache-2.0

/**
 * The one interface to durable state.
 *
 * Reading happens when a tailnet is opened; after that, memory is the truth for readers and the store is the
 * truth across restarts. Writing is one call with a list: all of it is durable when the call returns, or
 * nothing of it happened and the call throws. That is the whole transaction model: whoever wants two changes
 * to stand or fall together puts them into one list.
 *
 * @module
 */

import type { AumHash } from '@signet/tka'
import type {
  AumRow,
  AuthorityRow,
  NodeRow,
  PendingInitRow,
  PreAuthKeyRow,
  TailnetRow,
  UserRow,
} from './rows.ts'

/** One durable change. */
export type Write =
  | { readonly put: 'tailnet'; readonly row: TailnetRow }
  | { readonly put: 'user'; readonly row: UserRow }
  | { readonly delete: 'user'; readonly id: number }
  | { readonly put: 'node'; readonly row: NodeRow }
  | { readonly delete: 'node'; readonly id: number }
  | { readonly put: 'pre-auth-key'; readonly row: PreAuthKeyRow }
  | { readonly delete: 'pre-auth-key'; readonly id: string }
  /** A one-time key is used at most once, whatever memory believed. */
  | { readonly use: 'pre-auth-key'; readonly id: string; readonly at: number }
  | { readonly put: 'authority'; readonly row: AuthorityRow }
  | { readonly put: 'aum'; readonly row: AumRow }
  /** Compare and swap: fails the whole list if the stored head is not `from`. */
  | {
      readonly move: 'head'
      readonly authorityId: number
      readonly from: AumHash
      readonly to: AumHash
    }
  | { readonly put: 'pending-init'; readonly row: PendingInitRow }
  | { readonly delete: 'pending-init'; readonly tailnetId: number; readonly nodeId: number }
  | { readonly delete: 'pending-inits'; readonly tailnetId: number }

/** The highest numbers ever given out, also to what has been deleted since. */
export interface LastIds {
  readonly tailnet: number
  readonly user: number
  readonly node: number
  readonly authority: number
}

/** Durable state. Every implementation passes the contract in `test/store/store-contract.ts`. */
export interface Store {
  tailnets(): readonly TailnetRow[]
  users(tailnetId: number): readonly UserRow[]
  /** Ordered by id. */
  nodes(tailnetId: number): readonly NodeRow[]
  preAuthKeys(tailnetId: number): readonly PreAuthKeyRow[]
  /** Ordered by id, which is the order of creation. */
  authorities(tailnetId: number): readonly AuthorityRow[]
  /** In order of arrival: a parent comes before its children. */
  aums(authorityId: number): readonly AumRow[]
  pendingInits(tailnetId: number): readonly PendingInitRow[]
  lastIds(): LastIds
  /**
   * Makes all writes durable, in their order, or none.
   *
   * @throws ControlError 'conflict' when a compare-and-swap or a uniqueness rule fails, 'store-failed' when
   * the database does.
   */
  commit(writes: readonly Write[]): void
  close(): void
}
