// SPDX-License-Identifier: Apache-2.0

/**
 * The server of a measurement, in a process of its own: `server-process.ts STATE_DIR`. Says where it
 * listens, then answers each message with what only it can know.
 *
 * @module
 */

import { createLogger, startControl } from '@signet/control'

/** What a server counts itself; what it uses is measured from outside. */
export interface ServerCounts {
  readonly encodings: number
  readonly frames: number
  readonly bytes: number
  /** Sessions that are open. */
  readonly connected: number
  /** After a collection of garbage; only if asked for. */
  readonly heapBytes: number
  /** Timers that run. */
  readonly timers: number
}

/** Where a server listens. */
export interface ServerAddress {
  readonly url: string
  readonly publicKey: string
}

/** What is asked: counters, or counters after a collection of garbage. */
export type Question = 'count' | 'collect'

const control = await startControl({
  stateDir: process.argv[2] ?? '',
  listen: { host: '127.0.0.1', port: 0 },
  logger: createLogger('silent', () => {}),
})
process.send?.({ url: control.url, publicKey: control.publicKey } satisfies ServerAddress)

process.on('message', (question: Question) => {
  if (question === 'collect') globalThis.gc?.()
  const { encodings, frames, bytes } = control.counters
  process.send?.({
    encodings,
    frames,
    bytes,
    connected: control.connectedNodes(),
    heapBytes: process.memoryUsage().heapUsed,
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
  } satisfies ServerCounts)
})
