// SPDX-License-Identifier: Apache-2.0

/**
 * Rows that memory has and the store does not have yet: what nodes report about themselves, many of them in
 * one transaction. Each sync of the disk costs the same for one row as for a hundred.
 *
 * @module
 */

import type { Clock } from '../clock.ts'
import type { NodeRow } from '../store/rows.ts'
import type { Store } from '../store/store.ts'

const MIN_DELAY_MS = 20
const MAX_DELAY_MS = 500
/** A batch waits at least this many times as long as the last one took. */
const PAUSE_FACTOR = 4
/** After a failure. */
const RETRY_MS = 1_000

/** Collects rows, and stores them together. */
export interface WriteBehind {
  /** Marks a node; resolves when its row is durable, rejects when that failed (it is tried again). */
  mark(id: number): Promise<void>
  /** Stores what is marked, now. @throws ControlError 'store-failed' */
  flush(): void
}

interface Batch {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Starts with nothing marked. `rowOf` gives a node's row as it is now. */
export function createWriteBehind(options: {
  readonly store: Store
  readonly clock: Clock
  readonly rowOf: (id: number) => NodeRow | undefined
}): WriteBehind {
  const { store, clock, rowOf } = options
  const marked = new Set<number>()
  let batch: Batch | undefined
  let cancelTimer: (() => void) | undefined
  let delay = MIN_DELAY_MS

  const commitMarked = (): void => {
    cancelTimer?.()
    cancelTimer = undefined
    const current = batch
    batch = undefined
    const start = performance.now()
    try {
      store.commit(
        [...marked].flatMap((id) => {
          const row = rowOf(id)
          return row === undefined ? [] : [{ put: 'node' as const, row }]
        }),
      )
    } catch (error) {
      current?.reject(error)
      delay = RETRY_MS
      schedule()
      throw error
    }
    marked.clear()
    delay = Math.min(
      MAX_DELAY_MS,
      Math.max(MIN_DELAY_MS, (performance.now() - start) * PAUSE_FACTOR),
    )
    current?.resolve()
  }

  const schedule = (): void => {
    cancelTimer ??= clock.schedule(delay, () => {
      cancelTimer = undefined
      try {
        commitMarked()
      } catch {
        // Those who wait were told, and it is tried again.
      }
    })
  }

  return {
    mark(id) {
      marked.add(id)
      batch ??= newBatch()
      schedule()
      return batch.promise
    },
    flush() {
      if (marked.size > 0) commitMarked()
    },
  }
}

function newBatch(): Batch {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // Not everybody waits.
  promise.catch(() => {})
  return { promise, resolve, reject }
}
