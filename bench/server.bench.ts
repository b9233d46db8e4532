// SPDX-License-Identifier: Apache-2.0

/**
 * The server with many streaming nodes: joining, memory, and what one change costs. Server and
 * clients are two processes, on the same cores.
 *
 * @module
 */

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseMachinePublic } from '@signet/keys'
import { quantile, type Row } from './harness.ts'
import { createWatch, join, type Client } from './many-clients.ts'
import { reusableKey } from './pre-auth-key.ts'
import type { ServerAddress, ServerUsage } from './server-process.ts'

const SIZES = [500, 1_000, 2_000]
/** The size at which 1,000 changes are made. */
const FLAT_SIZE = 1_000
const CHANGES = 12
/** Between two changes: closer ones are gathered, and the time would be that of the gathering. */
const APART_MS = 1_100
const MANY_CHANGES = 1_000
/** Nodes that join, or open their stream, at once. */
const AT_ONCE = 16
const KIB = 1024

export async function bench(): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const size of SIZES) rows.push(...(await withServer((server) => measure(server, size))))
  return rows
}

interface Server {
  readonly address: ServerAddress
  readonly authKey: string
  usage(): Promise<ServerUsage>
}

async function measure(server: Server, size: number): Promise<Row[]> {
  const name = `${size.toLocaleString('en')} nodes`
  const watch = createWatch()
  const before = await server.usage()
  const start = performance.now()
  const clients = await inLanes(size, (index) =>
    join(`node-${index}`, {
      url: server.address.url,
      serverKey: parseMachinePublic(server.address.publicKey),
      authKey: server.authKey,
      onMessage: watch.onMessage,
    }),
  )
  const registered = await server.usage()
  await inLanes(size, (index) => at(clients, index).stream())
  const connectMs = performance.now() - start
  await settled(server)
  const streaming = await server.usage()

  const sender = at(clients, 0)
  const change = async (port: number): Promise<number> => {
    const endpoint = `192.0.2.1:${port}`
    const began = performance.now()
    const last = watch.expect(endpoint, size - 1)
    await sender.report(endpoint)
    return (await last) - began
  }
  await change(1_000)
  const quiet = await server.usage()
  const times: number[] = []
  for (let index = 0; index < CHANGES; index++) {
    await sleep(APART_MS)
    times.push(await change(2_000 + index))
  }
  const changed = await server.usage()
  const encodings = (changed.encodings - quiet.encodings) / CHANGES
  const rows: Row[] = [
    {
      area: 'server',
      what: `${name}: connect, register, stream`,
      figures: [
        { name: 'all in', value: connectMs / 1000, unit: 's' },
        {
          name: 'server CPU per registration',
          value: (registered.cpuMs - before.cpuMs) / size,
          unit: 'ms',
        },
        {
          name: 'per first map',
          value: (streaming.cpuMs - registered.cpuMs) / size,
          unit: 'ms',
        },
        {
          name: 'memory per node',
          value: (streaming.rssBytes - before.rssBytes) / size / KIB,
          unit: 'KiB',
        },
      ],
      bound: 'handshakes and sockets, here and in the clients; first maps grow with the network',
    },
    {
      area: 'server',
      what: `${name}: one node moves`,
      figures: [
        { name: 'last node has it p50', value: quantile(times, 0.5), unit: 'ms' },
        { name: 'p99', value: quantile(times, 0.99), unit: 'ms' },
        { name: 'server CPU', value: (changed.cpuMs - quiet.cpuMs) / CHANGES, unit: 'ms' },
        {
          name: 'to each client',
          value: (changed.bytes - quiet.bytes) / (changed.frames - quiet.frames),
          unit: 'B',
        },
        { name: 'encoded', value: encodings, unit: 'times' },
      ],
      bound: 'sealing and sending one record for each client',
      goal: { text: 'one change is encoded once', met: encodings === 1 },
    },
  ]
  if (size === FLAT_SIZE) rows.push(await manyChanges(server, sender, watch, size))
  for (const client of clients) client.close()
  return rows
}

/** Changes as fast as the server takes them; what clients have not got yet is merged for them. */
async function manyChanges(
  server: Server,
  sender: Client,
  watch: ReturnType<typeof createWatch>,
  size: number,
): Promise<Row> {
  const before = await server.usage()
  const start = performance.now()
  for (let index = 1; index < MANY_CHANGES; index++) await sender.report(`192.0.2.2:${index}`)
  const lastText = `192.0.2.3:${MANY_CHANGES}`
  const last = watch.expect(lastText, size - 1)
  await sender.report(lastText)
  const seconds = ((await last) - start) / 1000
  await settled(server)
  const after = await server.usage()
  const heap = (after.heapBytes - before.heapBytes) / KIB / KIB
  return {
    area: 'server',
    what: `${size.toLocaleString('en')} nodes: ${MANY_CHANGES.toLocaleString('en')} changes in a row`,
    figures: [
      { name: 'until all have the last', value: seconds, unit: 's' },
      { name: 'rounds encoded', value: after.encodings - before.encodings, unit: '' },
      { name: 'heap grew by', value: heap, unit: 'MiB' },
      {
        name: 'memory grew by',
        value: (after.rssBytes - before.rssBytes) / KIB / KIB,
        unit: 'MiB',
      },
    ],
    bound: 'the sender waits for each answer; the server gathers changes that come close together',
    goal: { text: 'memory is flat: heap within 5 MiB', met: heap < 5 },
  }
}

/** Waits until the server has nothing left to do for those who joined. */
async function settled(server: Server): Promise<void> {
  let frames = -1
  for (;;) {
    const usage = await server.usage()
    if (usage.frames === frames) return
    frames = usage.frames
    await sleep(APART_MS)
  }
}

async function inLanes<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  async function lane(): Promise<void> {
    while (next < count) {
      const index = next++
      results[index] = await work(index)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return results
}

async function withServer(work: (server: Server) => Promise<Row[]>): Promise<Row[]> {
  const folder = mkdtempSync(joinPath(tmpdir(), 'signet-bench-'))
  const child = fork(new URL('server-process.ts', import.meta.url).pathname, [folder], {
    execArgv: ['--expose-gc'],
  })
  try {
    const address = await nextMessage<ServerAddress>(child)
    const authKey = await reusableKey(joinPath(folder, 'admin.sock'))
    return await work({
      address,
      authKey,
      async usage() {
        child.send('usage')
        return await nextMessage<ServerUsage>(child)
      },
    })
  } finally {
    child.kill()
    await once(child, 'exit')
    rmSync(folder, { recursive: true })
  }
}

async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, 'message')) as [T]
  return message
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new Error(`Cannot measure: nothing at ${index}`)
  return item
}
