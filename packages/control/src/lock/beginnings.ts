// SPDX-License-Identifier: Apache-2.0

/**
 * Nodes that ask how to begin with the lock. A node asks once and then follows; one that asks again and again
 * does not begin: its user switched the lock off there, or its client cannot keep one.
 *
 * Kept in memory only: after a restart of the server such nodes soon ask again.
 *
 * @module
 */

import type { AumHash } from '@signet/tka'

/** What a node asked since its last success. */
export interface Asking {
  readonly count: number
  /** When it asked first. */
  readonly since: number
}

/** Who asks. */
export interface Beginnings {
  asked(nodeId: number, genesis: AumHash): void
  /** What a node has asked about this authority; null when nothing. */
  of(nodeId: number, genesis: AumHash): Asking | null
}

/** Makes an empty memory. It holds one entry for each node, and entries of deleted nodes are few. */
export function createBeginnings(now: () => number): Beginnings {
  const asking = new Map<number, Asking & { readonly genesis: AumHash }>()
  return {
    asked(nodeId, genesis) {
      const before = asking.get(nodeId)
      const isFirst = before?.genesis !== genesis
      asking.set(
        nodeId,
        isFirst ? { genesis, count: 1, since: now() } : { ...before, count: before.count + 1 },
      )
    },
    of(nodeId, genesis) {
      const found = asking.get(nodeId)
      return found?.genesis === genesis ? found : null
    },
  }
}
