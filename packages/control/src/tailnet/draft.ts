// SPDX-License-Identifier: Apache-2.0

/**
 * One change of a tailnet while it is being put together: what the writer sees, and what has to be stored.
 *
 * @module
 */

import type { LockState } from '../lock/state.ts'
import type { NodeRow, PreAuthKeyRow, UserRow } from '../store/rows.ts'
import type { Write } from '../store/store.ts'
import type { TailnetNode } from './node.ts'

/** What one write may do. Reads through the draft see what it has put so far. */
export interface Draft {
  node(id: number): NodeRow | undefined
  /** Creates or replaces a node. */
  putNode(row: NodeRow): void
  deleteNode(id: number): void
  /** Connected or not: kept in memory only. */
  setOnline(id: number, online: boolean): void
  putUser(row: UserRow): void
  deleteUser(id: number): void
  putKey(row: PreAuthKeyRow): void
  deleteKey(id: string): void
  /** Marks a one-time key as used; fails the write if it was used before. */
  useKey(row: PreAuthKeyRow, at: number): void
  /** Replaces the lock, together with what that means for the store. */
  setLock(lock: LockState, writes: readonly Write[]): void
  /** Something that only the store keeps. */
  store(write: Write): void
}

/** A draft, and what it collected. */
export class Pending implements Draft {
  readonly #base: ReadonlyMap<number, TailnetNode>
  readonly #rows = new Map<number, NodeRow | null>()
  readonly #writes: Write[] = []
  readonly online: Map<number, boolean> = new Map()
  readonly primary: Map<number, readonly string[]> = new Map()
  readonly users: Map<number, UserRow | null> = new Map()
  readonly keys: Map<string, PreAuthKeyRow | null> = new Map()
  lock: LockState | undefined

  constructor(base: ReadonlyMap<number, TailnetNode>) {
    this.#base = base
  }

  get touched(): ReadonlySet<number> {
    return new Set([...this.#rows.keys(), ...this.online.keys(), ...this.primary.keys()])
  }

  get writes(): readonly Write[] {
    const rows = [...this.#rows].flatMap(([id, row]): Write[] => {
      if (row !== null) return [{ put: 'node', row }]
      return this.#base.has(id) ? [{ delete: 'node', id }] : []
    })
    // Users and keys come before the nodes that refer to them, deletions of users after.
    const isLate = (write: Write): boolean => 'delete' in write && write.delete === 'user'
    return [
      ...this.#writes.filter((write) => !isLate(write)),
      ...rows,
      ...this.#writes.filter(isLate),
    ]
  }

  node(id: number): NodeRow | undefined {
    const row = this.#rows.get(id)
    if (row !== undefined) return row ?? undefined
    return this.#base.get(id)?.row
  }

  putNode(row: NodeRow): void {
    if (this.node(row.id) !== row) this.#rows.set(row.id, row)
  }

  deleteNode(id: number): void {
    this.#rows.set(id, null)
    this.online.delete(id)
  }

  setOnline(id: number, online: boolean): void {
    this.online.set(id, online)
  }

  putUser(row: UserRow): void {
    this.users.set(row.id, row)
    this.#writes.push({ put: 'user', row })
  }

  deleteUser(id: number): void {
    this.users.set(id, null)
    this.#writes.push({ delete: 'user', id })
  }

  putKey(row: PreAuthKeyRow): void {
    this.keys.set(row.id, row)
    this.#writes.push({ put: 'pre-auth-key', row })
  }

  deleteKey(id: string): void {
    this.keys.set(id, null)
    this.#writes.push({ delete: 'pre-auth-key', id })
  }

  useKey(row: PreAuthKeyRow, at: number): void {
    this.keys.set(row.id, { ...row, usedAt: at })
    this.#writes.push({ use: 'pre-auth-key', id: row.id, at })
  }

  setLock(lock: LockState, writes: readonly Write[]): void {
    this.lock = lock
    this.#writes.push(...writes)
  }

  store(write: Write): void {
    this.#writes.push(write)
  }
}
