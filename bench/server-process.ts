// SPDX-License-Identifier: Apache-2.0

/**
 * The server of a measurement, in a process of its own: `server-process.ts STATE_DIR`. Says where it
 * listens, then answers each message with what it has used so far.
 *
 * @module
 */

import { createLogger, startControl } from '@signet/control'

/** What a server has used since it started. */
export interface ServerUsage {
  readonly cpuMs: number
  readonly rssBytes: number
  readonly heapBytes: number
  readonly encodings: number
  readonly frames: number
  readonly bytes: number
}

/** Where a server listens. */
export interface ServerAddress {
  readonly url: string
  readonly publicKey: string
}

const control = await startControl({
  stateDir: process.argv[2] ?? '',
  listen: { host: '127.0.0.1', port: 0 },
  logger: createLogger('silent', () => {}),
})
process.send?.({ url: control.url, publicKey: control.publicKey } satisfies ServerAddress)

process.on('message', () => {
  // What is garbage is not memory that is needed.
  globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  const { encodings, frames, bytes } = control.counters
  process.send?.({
    cpuMs: (user + system) / 1000,
    rssBytes: rss,
    heapBytes: heapUsed,
    encodings,
    frames,
    bytes,
  } satisfies ServerUsage)
})
