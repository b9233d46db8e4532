// SPDX-License-Identifier: Apache-2.0

/**
 * Which node carries which route. Several nodes may advertise one and the same network, and have it approved; all
 * peers must send its packets to the same one, and to another when that one leaves.
 *
 * A carrier stays as long as it can carry: a router that comes back does not take the route away again, because
 * every change of the carrier breaks the connections through it. A node cannot carry while it is offline, when its
 * key has expired, and under the lock as long as nobody has signed it. When no candidate can, nothing changes.
 *
 * A key that expires is no change of anything, so that moment is waited for.
 *
 * Exit routes have no carrier: there the user picks.
 *
 * @module
 */

import type { Clock } from '../clock.ts'
import { sameList } from './lists.ts'
import { isExpired } from './node.ts'
import type { TailnetNode } from './node.ts'
import { approvedOf, isExitRoute } from './routes.ts'
import type { Tailnet } from './tailnet.ts'

/** Timers wait no longer than this, so that none is beyond what timers can be. */
const LONGEST_WAIT_MS = 24 * 60 * 60_000

/** Chooses carriers, now and after every change. What it costs depends on what changed, not on how many nodes there are. */
export function keepCarriers(tailnet: Tailnet, clock: Clock): Disposable {
  const candidates = new Map<number, readonly string[]>()
  let carrying: readonly number[] = []
  let seen = 0

  const canCarry = ({ row, online }: TailnetNode): boolean =>
    online &&
    !isExpired(row, clock.now()) &&
    (tailnet.lock.active === null || row.signature !== null)

  /** Whether anything changed of nodes that carry or could. */
  const follow = (): boolean => {
    const slice = tailnet.journal.since(seen)
    seen = tailnet.version
    if (slice === null) candidates.clear()
    let isChanged = slice === null
    for (const id of slice?.removed ?? []) isChanged = candidates.delete(id) || isChanged
    for (const id of slice?.changed ?? tailnet.nodes.keys()) {
      const node = tailnet.nodes.get(id)
      if (node === undefined) continue
      const routes = approvedOf(node.row).filter((route) => !isExitRoute(route))
      if (routes.length > 0) candidates.set(id, routes)
      else if (!candidates.delete(id)) continue
      isChanged = true
    }
    return isChanged
  }

  const choose = (): ReadonlyMap<number, readonly string[]> => {
    const chosen = new Map<string, TailnetNode>()
    const isBetter = (node: TailnetNode, than: TailnetNode, route: string): boolean => {
      const [a, b] = [canCarry(node), canCarry(than)]
      return a === b ? node.primary.includes(route) : a
    }
    for (const id of [...candidates.keys()].sort((a, b) => a - b)) {
      const node = tailnet.nodes.get(id)
      if (node === undefined) continue
      for (const route of candidates.get(id) ?? []) {
        const best = chosen.get(route)
        if (best === undefined || isBetter(node, best, route)) chosen.set(route, node)
      }
    }
    const routes = new Map<number, string[]>()
    for (const [route, { row }] of chosen)
      routes.set(row.id, [...(routes.get(row.id) ?? []), route])
    return routes
  }

  const settle = (): void => {
    const routes = choose()
    for (const id of new Set([...carrying, ...routes.keys()])) {
      const before = tailnet.nodes.get(id)?.primary ?? []
      const wanted = [...(routes.get(id) ?? [])].sort()
      if (!sameList(before, wanted)) tailnet.setPrimary(id, wanted)
    }
    carrying = [...routes.keys()]
    seen = tailnet.version
  }

  let isSettling = false
  let cancel = (): void => {}
  const settleOnce = (): void => {
    isSettling = true
    try {
      settle()
    } finally {
      isSettling = false
    }
    waitForExpiry()
  }
  const look = (): void => {
    if (!isSettling && follow()) settleOnce()
  }

  const waitForExpiry = (): void => {
    cancel()
    cancel = () => {}
    const now = clock.now()
    let next = Infinity
    for (const id of carrying) {
      const at = tailnet.nodes.get(id)?.row.expiresAt ?? Infinity
      if (at > now) next = Math.min(next, at)
    }
    if (next !== Infinity) {
      cancel = clock.schedule(Math.min(LONGEST_WAIT_MS, next - now), settleOnce)
    }
  }

  look()
  const listener = tailnet.listen({
    peersChanged: look,
    selfChanged: () => {},
    removed: () => {},
  })
  return {
    [Symbol.dispose]() {
      cancel()
      listener[Symbol.dispose]()
    },
  }
}
