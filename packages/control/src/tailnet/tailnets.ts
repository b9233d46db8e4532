// SPDX-License-Identifier: Apache-2.0

/**
 * All tailnets of a server. A node key or a pre-auth key says by itself which one it belongs to.
 *
 * @module
 */

import type { MachinePublic, NodePublic } from '@signet/keys'
import type { Clock } from '../clock.ts'
import { ControlError } from '../errors.ts'
import type { PreAuthKeyRow, TailnetRow } from '../store/rows.ts'
import type { Store } from '../store/store.ts'
import type { LockState } from '../lock/state.ts'
import type { TailnetNode } from './node.ts'
import { Tailnet } from './tailnet.ts'
import type { IdSource } from './tailnet.ts'

/** The name of the first tailnet, which is meant when none is said. */
export const DEFAULT_TAILNET = 'default'

/** A node and where it lives. */
export interface FoundNode {
  readonly tailnet: Tailnet
  readonly node: TailnetNode
}

/** The tailnets of a server. */
export interface Tailnets {
  /** @throws ControlError 'not-found' */
  byName(name: string): Tailnet
  all(): readonly Tailnet[]
  findNode(key: NodePublic): FoundNode | undefined
  /** Whether this machine has a node in any tailnet. */
  knowsMachine(key: MachinePublic): boolean
  findPreAuthKey(id: string): { tailnet: Tailnet; key: PreAuthKeyRow } | undefined
}

/** Opens every stored tailnet, and makes the first one in a new database. */
export function openTailnets(options: {
  readonly store: Store
  readonly clock: Clock
  readonly first: { readonly name: string; readonly domain: string }
  readonly openLock: (tailnet: TailnetRow) => LockState
}): Tailnets {
  const { store, clock, first, openLock } = options
  const last = { ...store.lastIds() }
  const ids: IdSource = {
    node: () => ++last.node,
    user: () => ++last.user,
    authority: () => ++last.authority,
  }
  if (store.tailnets().length === 0) {
    const row: TailnetRow = { id: ++last.tailnet, ...first, createdAt: clock.now() }
    store.commit([{ put: 'tailnet', row }])
  }
  const tailnets = store.tailnets().map(
    (row) =>
      new Tailnet({
        row,
        store,
        clock,
        ids,
        lock: openLock(row),
        // It has been connected, and nothing was stored about its leaving: the server stopped first.
        wasConnected: (node) => node.firstMapAt !== null && node.lastSeenAt === null,
      }),
  )
  return {
    byName(name) {
      const found = tailnets.find((tailnet) => tailnet.row.name === name)
      if (found === undefined) {
        throw new ControlError('not-found', `No tailnet named ${JSON.stringify(name)}`)
      }
      return found
    },
    all: () => tailnets,
    findNode(key) {
      for (const tailnet of tailnets) {
        const node = tailnet.nodeByKey(key)
        if (node !== undefined) return { tailnet, node }
      }
      return undefined
    },
    knowsMachine: (key) => tailnets.some((tailnet) => tailnet.nodesOfMachine(key).length > 0),
    findPreAuthKey(id) {
      for (const tailnet of tailnets) {
        const key = tailnet.preAuthKeys.get(id)
        if (key !== undefined) return { tailnet, key }
      }
      return undefined
    },
  }
}
