// SPDX-License-Identifier: Apache-2.0

/**
 * One network and its one writer.
 *
 * Every change is one call of {@link Tailnet.write}: look, decide, and put into a draft; the draft is committed
 * to the store in one transaction, and only then does memory follow, the clock tick, and whoever waits get told.
 * The call is synchronous, so nothing can come between looking and committing, and a reader that does not await
 * sees one consistent moment. If anything throws, nothing happened.
 *
 * What nodes report about themselves again and again (endpoints, host information, being connected) goes another
 * way, {@link Tailnet.note}: memory first, and the store a moment later, many reports in one transaction. A crash
 * loses reports that were not acknowledged yet, and the nodes repeat them.
 *
 * Records are immutable and the maps are changed by the writer alone.
 *
 * @module
 */

import type { MachinePublic, NodePublic } from '@signet/keys'
import type { Clock } from '../clock.ts'
import type { LockState } from '../lock/state.ts'
import type { NodeRow, PreAuthKeyRow, TailnetRow, UserRow } from '../store/rows.ts'
import type { Store } from '../store/store.ts'
import { createAddressPool } from './addresses.ts'
import type { AddressPool } from './addresses.ts'
import { createJournal } from './journal.ts'
import { Pending } from './draft.ts'
import type { Draft } from './draft.ts'
import type { Journal } from './journal.ts'
import { changeNode, openNode } from './node.ts'
import type { TailnetNode } from './node.ts'
import { createWriteBehind } from './write-behind.ts'
import type { WriteBehind } from './write-behind.ts'

/** Who is told of changes, after they are durable. */
export interface TailnetListener {
  /** Something changed that other nodes see. */
  peersChanged(): void
  /** Something changed that only these nodes are told. */
  selfChanged(ids: readonly number[]): void
  /** These nodes are gone. */
  removed(nodes: readonly TailnetNode[]): void
}

/** Numbers that are shared by all tailnets of a server. */
export interface IdSource {
  node(): number
  user(): number
  authority(): number
}

/** Whom a change concerns. */
interface Notice {
  readonly peers: boolean
  readonly self: readonly number[]
  readonly removed: readonly TailnetNode[]
}

/** One network. */
export class Tailnet {
  readonly row: TailnetRow
  readonly ids: IdSource
  readonly addresses: AddressPool
  readonly journal: Journal
  readonly #store: Store
  readonly #behind: WriteBehind
  readonly #nodes = new Map<number, TailnetNode>()
  readonly #byNodeKey = new Map<NodePublic, number>()
  readonly #byMachine = new Map<MachinePublic, Set<number>>()
  readonly #byName = new Map<string, number>()
  readonly #users = new Map<number, UserRow>()
  readonly #userStamps = new Map<number, number>()
  readonly #keys = new Map<string, PreAuthKeyRow>()
  readonly #listeners = new Set<TailnetListener>()
  #lock: LockState
  #clock = 1
  #version = 1
  #writing = false

  /** Opens a tailnet from what is stored. `wasConnected` says who still counts as connected. */
  constructor(options: {
    row: TailnetRow
    store: Store
    clock: Clock
    ids: IdSource
    lock: LockState
    wasConnected: (row: NodeRow) => boolean
  }) {
    const { row, store } = options
    this.row = row
    this.ids = options.ids
    this.#store = store
    this.#behind = createWriteBehind({
      store,
      clock: options.clock,
      rowOf: (id) => this.#nodes.get(id)?.row,
    })
    this.#lock = options.lock
    this.journal = createJournal(this.#clock)
    for (const user of store.users(row.id)) this.#users.set(user.id, user)
    for (const key of store.preAuthKeys(row.id)) this.#keys.set(key.id, key)
    for (const node of store.nodes(row.id)) {
      this.#index(openNode(node, options.wasConnected(node), this.#clock))
    }
    this.addresses = createAddressPool([...this.#nodes.values()].map((node) => node.row.ipv4))
  }

  /** The clock value of the last change that nodes other than the changed one can see. */
  get version(): number {
    return this.#version
  }

  /** All nodes, in the order of their ids. */
  get nodes(): ReadonlyMap<number, TailnetNode> {
    return this.#nodes
  }

  get users(): ReadonlyMap<number, UserRow> {
    return this.#users
  }

  get preAuthKeys(): ReadonlyMap<string, PreAuthKeyRow> {
    return this.#keys
  }

  get lock(): LockState {
    return this.#lock
  }

  /** When a user's profile last changed. */
  userStamp(id: number): number {
    return this.#userStamps.get(id) ?? 0
  }

  nodeByKey(key: NodePublic): TailnetNode | undefined {
    return this.#nodes.get(this.#byNodeKey.get(key) ?? 0)
  }

  nodesOfMachine(key: MachinePublic): readonly TailnetNode[] {
    return [...(this.#byMachine.get(key) ?? [])].flatMap((id) => this.#nodes.get(id) ?? [])
  }

  nodeByName(name: string): TailnetNode | undefined {
    return this.#nodes.get(this.#byName.get(name) ?? 0)
  }

  isNameTaken(name: string): boolean {
    return this.#byName.has(name)
  }

  listen(listener: TailnetListener): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) }
  }

  /**
   * Makes one change: all of it is durable and visible when the call returns, or it throws and nothing
   * happened. `change` must not await and must not write.
   */
  write<T>(change: (draft: Draft) => T): T {
    if (this.#writing) throw new TypeError('A write inside a write would see half of it')
    this.#writing = true
    let result: T
    let notice: Notice
    try {
      const pending = new Pending(this.#nodes)
      result = change(pending)
      this.#store.commit(pending.writes)
      notice = this.#apply(pending)
    } finally {
      this.#writing = false
    }
    this.#tell(notice)
    return result
  }

  /**
   * Changes what a node will report again by itself. Visible when the call returns, durable when its promise
   * resolves.
   */
  note(row: NodeRow, online?: boolean): Promise<void> {
    if (this.#writing) throw new TypeError('A note inside a write would see half of it')
    const before = this.#nodes.get(row.id)
    if (before === undefined) return Promise.resolve()
    if (before.row.name !== row.name) {
      // Names are unique in the store too: two nodes that swap theirs would make a batch that never fits.
      this.write((draft) => {
        draft.putNode(row)
        if (online !== undefined) draft.setOnline(row.id, online)
      })
      return Promise.resolve()
    }
    const pending = new Pending(this.#nodes)
    pending.putNode(row)
    if (online !== undefined) pending.setOnline(row.id, online)
    this.#tell(this.#apply(pending))
    return before.row === row ? Promise.resolve() : this.#behind.mark(row.id)
  }

  /** Says for which routes a node is the one that carries them. Kept in memory only: it follows from the rest. */
  setPrimary(id: number, routes: readonly string[]): void {
    const pending = new Pending(this.#nodes)
    pending.primary.set(id, routes)
    this.#tell(this.#apply(pending))
  }

  /** Stores what was noted and is not stored yet. @throws ControlError 'store-failed' */
  flushNotes(): void {
    this.#behind.flush()
  }

  /** Brings memory to what the store now holds. Nothing in here can fail. */
  #apply(pending: Pending): Notice {
    const clock = this.#clock + 1
    let peers = false
    const self: number[] = []
    const removed: TailnetNode[] = []
    for (const id of pending.touched) {
      const before = this.#nodes.get(id)
      const row = pending.node(id)
      if (row === undefined) {
        if (before === undefined) continue
        this.#unindex(before)
        this.addresses.release(before.row.ipv4)
        this.journal.removed(id, before.stamps.created, clock)
        removed.push(before)
        peers = true
        continue
      }
      const online = pending.online.get(id) ?? before?.online ?? false
      if (before === undefined) {
        this.#index(openNode(row, online, clock))
        this.addresses.take(row.ipv4)
        this.journal.changed(id, clock)
        peers = true
        continue
      }
      const primary = pending.primary.get(id) ?? before.primary
      const { node, visibility } = changeNode(before, { row, online, primary }, clock)
      this.#unindexKeys(before)
      this.#index(node)
      if (visibility === 'peers') {
        this.journal.changed(id, clock)
        peers = true
      } else if (visibility === 'self') {
        self.push(id)
      }
    }
    for (const [id, user] of pending.users) {
      peers = true
      this.#userStamps.set(id, clock)
      if (user === null) this.#users.delete(id)
      else this.#users.set(id, user)
    }
    for (const [id, key] of pending.keys) {
      if (key === null) this.#keys.delete(id)
      else this.#keys.set(id, key)
    }
    if (pending.lock !== undefined) {
      this.#lock = pending.lock
      peers = true
    }
    this.#clock = clock
    if (peers) this.#version = clock
    return { peers, self, removed }
  }

  #tell({ peers, self, removed }: Notice): void {
    for (const listener of this.#listeners) {
      if (removed.length > 0) listener.removed(removed)
      if (peers) listener.peersChanged()
      else if (self.length > 0) listener.selfChanged(self)
    }
  }

  #index(node: TailnetNode): void {
    const { row } = node
    this.#nodes.set(row.id, node)
    this.#byNodeKey.set(row.nodeKey, row.id)
    this.#byName.set(row.name, row.id)
    const machine = this.#byMachine.get(row.machineKey)
    if (machine === undefined) this.#byMachine.set(row.machineKey, new Set([row.id]))
    else machine.add(row.id)
  }

  /** Forgets the names under which a record was found; its place in the order of nodes remains. */
  #unindexKeys(node: TailnetNode): void {
    const { row } = node
    if (this.#byNodeKey.get(row.nodeKey) === row.id) this.#byNodeKey.delete(row.nodeKey)
    if (this.#byName.get(row.name) === row.id) this.#byName.delete(row.name)
    const machine = this.#byMachine.get(row.machineKey)
    machine?.delete(row.id)
    if (machine?.size === 0) this.#byMachine.delete(row.machineKey)
  }

  #unindex(node: TailnetNode): void {
    this.#unindexKeys(node)
    this.#nodes.delete(node.row.id)
  }
}
