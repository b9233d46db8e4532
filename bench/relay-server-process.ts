// SPDX-License-Identifier: Apache-2.0

/**
 * The relay of a measurement, in a process of its own: `relay-server-process.ts STATE_DIR`. Says where it listens
 * and, to each message, what it has used and lost so far.
 *
 * @module
 */

import { createLogger, startControl } from '@signet/control'

/** Where it listens. */
export interface RelayAddress {
  readonly url: string
  readonly publicKey: string
  readonly port: number
}

/** What it has used since it started. */
export interface RelayUsage {
  readonly cpuMs: number
  readonly rssBytes: number
  /** What is in use, without what waits to be collected. */
  readonly heldBytes: number
}

const control = await startControl({
  stateDir: process.argv[2] ?? '',
  listen: { host: '127.0.0.1', port: 0 },
  logger: createLogger('silent', () => {}),
})
process.send?.({
  url: control.url,
  publicKey: control.publicKey,
  port: control.port,
} satisfies RelayAddress)

process.on('message', () => void report())

async function report(): Promise<void> {
  // Buffers are freed a turn after what held them.
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await new Promise(setImmediate)
  }
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
  process.send?.({
    cpuMs: (user + system) / 1000,
    rssBytes: rss,
    heldBytes: heapUsed + arrayBuffers,
  } satisfies RelayUsage)
}
