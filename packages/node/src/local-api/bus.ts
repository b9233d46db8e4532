// SPDX-License-Identifier: Apache-2.0

/**
 * The notification bus: what the node tells those who watch it, as lines of JSON. A watcher that
 * does not read is cut off by the server (see `maxUnreadBytes`), never remembered for.
 *
 * @module
 */

import type { ApiReply } from './http.ts'

/** Hands messages to whoever watches. */
export type NotifyBus<T> = {
  publish(message: T): void
  /** An endless answer: `first` at once, then everything published. */
  watch(first: T | undefined): ApiReply
  /** How many watch. */
  watcherCount(): number
}

/** Creates a bus whose messages are written by `encode` (one line each, newline included). */
export function createNotifyBus<T>(encode: (message: T) => string): NotifyBus<T> {
  const watchers = new Set<(text: string) => void>()
  return {
    publish(message) {
      if (watchers.size === 0) return
      const text = encode(message)
      for (const tell of watchers) tell(text)
    },
    watch: (first) => ({
      status: 200,
      type: 'application/json',
      async stream(write, signal) {
        if (signal.aborted) return
        if (first !== undefined) write(encode(first))
        watchers.add(write)
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
        watchers.delete(write)
      },
    }),
    watcherCount: () => watchers.size,
  }
}
