// SPDX-License-Identifier: Apache-2.0

/**
 * The server with many streaming nodes: joining, memory, and what one change costs. Server and
 * clients are two processes, on the same cores.
 *
 * @module
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { AT_ONCE, at, type BenchServer, inLanes, withServer } from './bench-server.ts'
import { quantile, type Row } from './harness.ts'
import { type Client, createWatch } from './many-clients.ts'
import { switchLockOn } from './switch-lock-on.ts'

/** How many nodes, and until when all of them should be quiet. */
const SIZES = [
  { size: 500, joinSeconds: 5 },
  { size: 1_000, joinSeconds: 10 },
  { size: 2_000, joinSeconds: 25 },
]
/** The size at which 1,000 changes are made, at which one change has its goal, and at which there is a lock. */
const FLAT_SIZE = 1_000
const CHANGE_SIZE = 500
const LOCK_SIZE = 2_000
const CHANGES = 20
/** Between two changes: closer ones are gathered, and the time would be that of the gathering. */
const APART_MS = 1_100
const MANY_CHANGES = 1_000
const KIB = 1024

type Watch = ReturnType<typeof createWatch>

export async function bench(): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const { size, joinSeconds } of SIZES) {
    rows.push(...(await withServer((server) => measure(server, size, joinSeconds))))
  }
  return rows
}

async function measure(server: BenchServer, size: number, joinSeconds: number): Promise<Row[]> {
  const name = `${size.toLocaleString('en')} nodes`
  const watch = createWatch()
  const before = server.usage()
  const start = performance.now()
  const clients = await inLanes(size, (index) =>
    server.join(`node-${index}`, { onMessage: watch.onMessage }),
  )
  const registered = server.usage()
  await inLanes(size, (index) => at(clients, index).stream())
  const seconds = ((await server.quiet()) - start) / 1000
  const streaming = server.usage()
  const perRegistration = (registered.cpuMs - before.cpuMs) / size
  const perNode = (streaming.rssBytes - before.rssBytes) / size / KIB
  const rows: Row[] = [
    {
      area: 'server',
      what: `${name}: connect and register with a key`,
      figures: [{ name: 'server CPU for each', value: perRegistration, unit: 'ms' }],
      bound: 'two handshakes of X25519 for each, and HTTP',
      goal: { text: 'at most 3 ms', met: perRegistration <= 3 },
    },
    {
      area: 'server',
      what: `${name}: mass join, ${AT_ONCE} at once`,
      figures: [
        { name: 'until quiet', value: seconds, unit: 's' },
        { name: 'server CPU', value: (streaming.cpuMs - before.cpuMs) / 1000, unit: 's' },
        { name: 'per first map', value: (streaming.cpuMs - registered.cpuMs) / size, unit: 'ms' },
      ],
      bound: 'handshakes, here and in the clients, which share the cores',
      goal: { text: `within ${joinSeconds} s`, met: seconds <= joinSeconds },
    },
    {
      area: 'server',
      what: `${name}: memory`,
      figures: [{ name: 'for each connected node', value: perNode, unit: 'KiB' }],
      bound:
        'sockets and what Node keeps for them; below 2,000 nodes, room that the heap takes once',
      ...(size === LOCK_SIZE && { goal: { text: 'at most 60 KiB', met: perNode <= 60 } }),
    },
    await oneChange(server, at(clients, 0), watch, size, 1),
  ]
  if (size === FLAT_SIZE) rows.push(await manyChanges(server, at(clients, 0), watch, size))
  if (size === LOCK_SIZE) {
    await switchLockOn(at(clients, 0))
    await server.quiet()
    const row = await oneChange(server, at(clients, 0), watch, size, 2)
    const [p99] = row.figures.filter((figure) => figure.name === 'p99')
    const met = (p99?.value ?? Infinity) < 1_000
    rows.push({
      ...row,
      what: `${name}, lock on, all signed: one node moves`,
      goal: { text: 'p99 under 1 s', met },
    })
  }
  for (const client of clients) client.close()
  return rows
}

async function oneChange(
  server: BenchServer,
  sender: Client,
  watch: Watch,
  size: number,
  network: number,
): Promise<Row> {
  const change = async (port: number): Promise<number> => {
    const endpoint = `192.0.${network}.1:${port}`
    const began = performance.now()
    const last = watch.expect(endpoint, size - 1)
    await sender.report(endpoint)
    return (await last) - began
  }
  await change(1_000)
  await server.quiet()
  const times: number[] = []
  const changes = async (firstPort: number): Promise<void> => {
    for (let index = 0; index < CHANGES; index++) {
      times.push(await change(firstPort + index))
      await sleep(APART_MS)
    }
  }
  // Among the first, V8 compiles what a change runs through: it is told apart, since it comes once in the life of a server.
  const cold = server.usage()
  await changes(2_000)
  const before = { ...server.usage(), ...(await server.counts()) }
  const coldCpu = (before.cpuMs - cold.cpuMs) / CHANGES
  await changes(3_000)
  const after = { ...server.usage(), ...(await server.counts()) }
  const cpu = (after.cpuMs - before.cpuMs) / CHANGES
  const bytes = (after.bytes - before.bytes) / (after.frames - before.frames)
  const encodings = (after.encodings - before.encodings) / CHANGES
  const p99 = quantile(times, 0.99)
  const goal =
    size === CHANGE_SIZE
      ? {
          text: 'at most 10 ms of CPU, p99 under 100 ms, at most 200 B to each',
          met: cpu <= 10 && p99 < 100 && bytes <= 200,
        }
      : { text: 'one change is encoded once', met: encodings === 1 }
  return {
    area: 'server',
    what: `${size.toLocaleString('en')} nodes: one node moves`,
    figures: [
      { name: 'last node has it p50', value: quantile(times, 0.5), unit: 'ms' },
      { name: 'p99', value: p99, unit: 'ms' },
      { name: 'server CPU', value: cpu, unit: 'ms' },
      { name: `of the first ${CHANGES}`, value: coldCpu, unit: 'ms' },
      { name: 'to each client', value: bytes, unit: 'B' },
      { name: 'encoded', value: encodings, unit: 'times' },
    ],
    bound: 'sealing and sending one record for each client: half of it is the kernel',
    goal,
  }
}

/** Changes as fast as the server takes them; what clients have not got yet is merged for them. */
async function manyChanges(
  server: BenchServer,
  sender: Client,
  watch: Watch,
  size: number,
): Promise<Row> {
  const before = { ...server.usage(), ...(await server.counts('collect')) }
  const start = performance.now()
  for (let index = 1; index < MANY_CHANGES; index++) await sender.report(`192.0.2.2:${index}`)
  const lastText = `192.0.2.3:${MANY_CHANGES}`
  const last = watch.expect(lastText, size - 1)
  await sender.report(lastText)
  const seconds = ((await last) - start) / 1000
  await server.quiet()
  const after = { ...server.usage(), ...(await server.counts('collect')) }
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
