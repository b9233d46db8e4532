// SPDX-License-Identifier: Apache-2.0

/**
 * Nodes that come, go, move and come back, for a minute or for as long as `--churn SECONDS` says: what is held at the
 * end must be what was held when it began.
 *
 * @module
 */

import { at, type BenchServer, inLanes, withServer } from './bench-server.ts'
import type { Row } from './harness.ts'
import type { Client } from './many-clients.ts'

const SECONDS = Number(process.env['SIGNET_BENCH_CHURN'] ?? 60)
/** The first part warms up: caches, code, and the heap grow to what they need. */
const WARM_UP = 1 / 3
const NODES = 200
const LANES = 4
const MIB = 1024 * 1024

export async function bench(): Promise<readonly Row[]> {
  return await withServer(async (server) => {
    const clients = await inLanes(NODES, (index) => server.join(`node-${index}`))
    await inLanes(NODES, (index) => at(clients, index).stream())
    let done = await storm(server, clients, SECONDS * WARM_UP)
    const before = await settle(server)
    done += await storm(server, clients, SECONDS * (1 - WARM_UP))
    const after = await settle(server)
    for (const client of clients) client.close()
    const heap = (after.heapBytes - before.heapBytes) / MIB
    const rss = (after.rssBytes - before.rssBytes) / MIB
    const files = after.files - before.files
    const timers = after.timers - before.timers
    return [
      {
        area: 'server',
        what: `churn: ${NODES} nodes reconnect, move, join and leave for ${SECONDS} s`,
        figures: [
          { name: 'done', value: done, unit: 'times' },
          { name: 'heap grew by', value: heap, unit: 'MiB' },
          { name: 'memory grew by', value: rss, unit: 'MiB' },
          { name: 'sockets and files', value: files, unit: 'more' },
          { name: 'timers', value: timers, unit: 'more' },
        ],
        bound: 'memory of the process moves with the collector; the heap is what is held',
        goal: {
          text: 'no growth: heap within 2 MiB, no socket, no timer more',
          met: heap <= 2 && files <= 0 && timers <= 1 && after.connected === NODES,
        },
      },
    ]
  })
}

/** Lets nodes do one thing after the other for a while; returns how many were done. */
async function storm(server: BenchServer, clients: Client[], seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000
  let count = 0
  async function lane(first: number): Promise<void> {
    // Each lane has nodes of its own, so that none does two things at once.
    for (let index = first; performance.now() < end; index = (index + LANES) % NODES) {
      await oneThing(server, clients, index, count++)
    }
  }
  await Promise.all(Array.from({ length: LANES }, (_, first) => lane(first)))
  return count
}

async function oneThing(
  server: BenchServer,
  clients: Client[],
  index: number,
  count: number,
): Promise<void> {
  const client = at(clients, index)
  if (count % 3 === 0) await client.report(`192.0.2.${index}:${1 + (count % 60_000)}`)
  else if (count % 3 === 1) {
    client.close()
    const again = await server.join(`node-${index}`, { identity: client.identity })
    await again.stream()
    clients[index] = again
  } else {
    const guest = await server.join(`guest-${index}`, { ephemeral: true })
    await guest.stream()
    await guest.logOut()
    guest.close()
  }
}

async function settle(
  server: BenchServer,
): Promise<Awaited<ReturnType<BenchServer['counts']>> & ReturnType<BenchServer['usage']>> {
  await server.quiet()
  const counts = await server.counts('collect')
  return { ...counts, ...server.usage() }
}
