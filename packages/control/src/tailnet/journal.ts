// SPDX-License-Identifier: Apache-2.0

/**
 * What changed since: the order in which nodes last changed, and which are gone.
 *
 * A session asks for everything after the clock value that it delivered, and pays for what changed, not for
 * how many nodes there are. Each node needs one entry, the newest; older ones are skipped by comparing with the
 * node's own stamp and swept away once they outnumber the useful ones.
 *
 * @module
 */

/** Gone nodes that are remembered; who missed more than that gets everything anew. */
const MAX_REMOVALS = 4_096

/** One node that is gone. */
interface Removal {
  readonly id: number
  readonly created: number
  readonly removed: number
}

/** Changes after some moment. */
export interface JournalSlice {
  /** Nodes that changed or came, ascending by the time of their last change. */
  readonly changed: readonly number[]
  /** Nodes that were there at that moment and are gone now. */
  readonly removed: readonly number[]
}

/** The order of changes. */
export interface Journal {
  changed(id: number, clock: number): void
  removed(id: number, created: number, clock: number): void
  /** Everything after `clock`, or null when that is too long ago to tell. */
  since(clock: number): JournalSlice | null
}

/** Makes an empty journal that knows everything after `start`. */
export function createJournal(start: number): Journal {
  let ids: number[] = []
  let clocks: number[] = []
  const newest = new Map<number, number>()
  let removals: Removal[] = []
  let horizon = start

  const sweep = (): void => {
    const keptIds: number[] = []
    const keptClocks: number[] = []
    for (const [index, id] of ids.entries()) {
      const clock = clocks[index] ?? 0
      if (newest.get(id) !== clock) continue
      keptIds.push(id)
      keptClocks.push(clock)
    }
    ids = keptIds
    clocks = keptClocks
  }

  return {
    changed(id, clock) {
      newest.set(id, clock)
      ids.push(id)
      clocks.push(clock)
      if (ids.length > 2 * newest.size + 64) sweep()
    },
    removed(id, created, clock) {
      newest.delete(id)
      removals.push({ id, created, removed: clock })
      if (removals.length > MAX_REMOVALS) {
        const dropped = removals.slice(0, MAX_REMOVALS / 2)
        removals = removals.slice(MAX_REMOVALS / 2)
        horizon = dropped.at(-1)?.removed ?? horizon
      }
    },
    since(clock) {
      if (clock < horizon) return null
      const changed: number[] = []
      for (let index = firstAfter(clocks, clock); index < ids.length; index++) {
        const id = ids[index]
        if (id !== undefined && newest.get(id) === clocks[index]) changed.push(id)
      }
      const removed = removals
        .filter((removal) => removal.removed > clock && removal.created <= clock)
        .map((removal) => removal.id)
      return { changed, removed }
    },
  }
}

/** Index of the first value above `limit` in an ascending list. */
function firstAfter(values: readonly number[], limit: number): number {
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((values[middle] ?? 0) > limit) high = middle
    else low = middle + 1
  }
  return low
}
