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
import { ControlError } from '../errors.ts'
import type { Tailnet } from './tailnet.ts'

/** Counts the sessions of the nodes of one tailnet. */
export interface Presence extends Disposable {
  /** A map session of this node begins; call the returned function exactly once when it has ended. */
  connect(id: number): () => void
  /** This node registered: one that is ephemeral must come for its map, or be removed again. */
  expect(id: number): void
}

/** Starts counting. Nodes which were connected when the server stopped get time to come back. */
export function trackPresence(
  tailnet: Tailnet,
  clock: Clock,
  ephemeralGraceMs: number = EPHEMERAL_GRACE_MS,
): Presence {
  const sessions = new Map<number, number>()
  const timers = new Map<number, () => void>()
  let isOver = false

  const after = (id: number, delayMs: number, action: () => void): void => {
    timers.get(id)?.()
    // A stream may end after the server has stopped.
    if (isOver) return
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
    if (node.row.ephemeral) after(id, ephemeralGraceMs, () => removeEphemeral(id))
  }

  const removeEphemeral = (id: number): void => {
    // It may have registered as one that stays.
    if (tailnet.nodes.get(id)?.row.ephemeral !== true) return
    try {
      tailnet.write((draft) => draft.deleteNode(id))
    } catch (error) {
      if (!(error instanceof ControlError)) throw error
      after(id, ephemeralGraceMs, () => removeEphemeral(id))
    }
  }

  for (const [id, node] of tailnet.nodes) {
    if (node.online) {
      const at = clock.now()
      after(id, RESTART_GRACE_MS, () => goOffline(id, at))
    } else if (node.row.ephemeral) {
      after(id, ephemeralGraceMs, () => removeEphemeral(id))
    }
  }

  return {
    expect(id) {
      if (sessions.has(id) || tailnet.nodes.get(id)?.row.ephemeral !== true) return
      after(id, ephemeralGraceMs, () => removeEphemeral(id))
    },
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
      isOver = true
      for (const cancel of timers.values()) cancel()
      timers.clear()
    },
  }
}
