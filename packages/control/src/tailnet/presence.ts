// SPDX-License-Identifier: Apache-2.0

/**
 * Who is connected. Sessions are counted, so that a second one starting before the first has ended changes
 * nothing; leaving is told to others only after a grace, because clients reconnect all the time; and an
 * ephemeral node that stays away is removed.
 *
 * @module
 */

import { EPHEMERAL_GRACE_MS, OFFLINE_GRACE_MS, RESTART_GRACE_MS } from '../limits.ts'
import type { Clock } from '../clock.ts'
import type { Tailnet } from './tailnet.ts'

/** Counts the sessions of the nodes of one tailnet. */
export interface Presence extends Disposable {
  /** A map session of this node begins; call the returned function exactly once when it has ended. */
  connect(id: number): () => void
}

/** Starts counting. Nodes which were connected when the server stopped get time to come back. */
export function trackPresence(tailnet: Tailnet, clock: Clock): Presence {
  const sessions = new Map<number, number>()
  const timers = new Map<number, () => void>()

  const after = (id: number, delayMs: number, action: () => void): void => {
    timers.get(id)?.()
    timers.set(
      id,
      clock.schedule(delayMs, () => {
        timers.delete(id)
        action()
      }),
    )
  }

  const goOffline = (id: number, at: number): void => {
    const node = tailnet.nodes.get(id)
    if (node === undefined) return
    if (node.online || node.row.lastSeenAt === null) {
      void tailnet.note({ ...node.row, lastSeenAt: at }, false)
    }
    if (node.row.ephemeral) after(id, EPHEMERAL_GRACE_MS, () => removeEphemeral(id))
  }

  const removeEphemeral = (id: number): void => {
    if (!tailnet.nodes.has(id)) return
    tailnet.write((draft) => draft.deleteNode(id))
  }

  for (const [id, node] of tailnet.nodes) {
    if (node.online) {
      const at = clock.now()
      after(id, RESTART_GRACE_MS, () => goOffline(id, at))
    } else if (node.row.ephemeral) {
      after(id, EPHEMERAL_GRACE_MS, () => removeEphemeral(id))
    }
  }

  return {
    connect(id) {
      timers.get(id)?.()
      timers.delete(id)
      sessions.set(id, (sessions.get(id) ?? 0) + 1)
      const node = tailnet.nodes.get(id)
      const isFirstMap = node !== undefined && node.row.firstMapAt === null
      if (node !== undefined && (!node.online || isFirstMap || node.row.lastSeenAt !== null)) {
        const firstMapAt = node.row.firstMapAt ?? clock.now()
        void tailnet.note({ ...node.row, lastSeenAt: null, firstMapAt }, true)
      }
      return () => {
        const left = (sessions.get(id) ?? 1) - 1
        if (left > 0) {
          sessions.set(id, left)
          return
        }
        sessions.delete(id)
        const at = clock.now()
        after(id, OFFLINE_GRACE_MS, () => goOffline(id, at))
      }
    },
    [Symbol.dispose]() {
      for (const cancel of timers.values()) cancel()
      timers.clear()
    },
  }
}
