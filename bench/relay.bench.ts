// SPDX-License-Identifier: Apache-2.0

/**
 * The embedded relay, in a whole server: packets between two clients, each in a process of its own, and what a client
 * costs that has stopped reading. Measured from outside the server.
 *
 * @module
 */

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  generateLockKey,
  generateMachineKey,
  generateNodeKey,
  lockPublicOf,
  nodePublicOf,
  parseMachinePublic,
  privateKeyText,
} from '@signet/keys'
import { NO_TIME } from '@signet/protocol'
import { dialControl } from '@signet/ts2021'
import { quantile, type Row } from './harness.ts'
import { reusableKey } from './pre-auth-key.ts'
import type { RelayCount, RelayOrder } from './relay-client-process.ts'
import type { RelayAddress, RelayUsage } from './relay-server-process.ts'

const PACKET = 1_400
const ROUNDS = 5
const ROUND_MS = 2_000
/** Each half of the time in which one does not read. */
const STALL_MS = 3_000
/** CPU of the official relay for such a packet, and packets in a second, on this kind of machine. */
const OFFICIAL_US = 8.4

export async function bench(): Promise<readonly Row[]> {
  const dir = await mkdtemp(join(tmpdir(), 'signet-relay-'))
  const children: ChildProcess[] = []
  try {
    const server = start(children, 'relay-server-process.ts', [dir])
    const address = await next<RelayAddress>(server)
    const keys = [await joinNode(dir, address), await joinNode(dir, address)] as const
    const [from, to] = keys.map((key) =>
      start(children, 'relay-client-process.ts', [String(address.port), privateKeyText(key)]),
    ) as [ChildProcess, ChildProcess]
    await Promise.all([next(from), next(to)])
    const target = nodePublicOf(keys[1])
    return [await speed(server, from, to, target), await stall(server, from, to, target)]
  } finally {
    for (const child of children) child.kill()
    await rm(dir, { recursive: true, force: true })
  }
}

async function speed(
  server: ChildProcess,
  from: ChildProcess,
  to: ChildProcess,
  target: string,
): Promise<Row> {
  // The first round compiles the code.
  await tell(from, { send: ROUND_MS / 2, to: target, size: PACKET })
  const rounds: { readonly perSecond: number; readonly us: number; readonly lost: number }[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const before = { ...(await usage(server)), ...(await tell(to, { read: true })) }
    const start = performance.now()
    const { sent } = await tell(from, { send: ROUND_MS, to: target, size: PACKET })
    const seconds = (performance.now() - start) / 1000
    const after = { ...(await tell(to, { read: true })), ...(await usage(server)) }
    const arrived = after.arrived - before.arrived
    rounds.push({
      perSecond: arrived / seconds,
      us: ((after.cpuMs - before.cpuMs) * 1000) / arrived,
      lost: (100 * Math.max(0, sent - arrived)) / sent,
    })
  }
  const median = (pick: (round: (typeof rounds)[number]) => number): number =>
    quantile(rounds.map(pick), 0.5)
  const us = median((round) => round.us)
  return {
    area: 'relay',
    what: `${PACKET.toLocaleString('en')}-byte packets one way, two client processes`,
    figures: [
      { name: 'delivered', value: median((round) => round.perSecond), unit: 'packets/s' },
      { name: 'server CPU', value: us, unit: 'us each' },
      { name: 'lost or on the way', value: median((round) => round.lost), unit: '%' },
    ],
    bound: 'copies in the kernel, and the clients, on the same cores',
    goal: {
      text: `twice the packets of the official relay per CPU second: under ${OFFICIAL_US / 2} us`,
      met: us < OFFICIAL_US / 2,
    },
  }
}

async function stall(
  server: ChildProcess,
  from: ChildProcess,
  to: ChildProcess,
  target: string,
): Promise<Row> {
  const before = await usage(server)
  await tell(to, { read: false })
  const sendFor = (): Promise<RelayCount> =>
    tell(from, { send: STALL_MS, to: target, size: PACKET })
  const first = await sendFor()
  const middle = await usage(server)
  const second = await sendFor()
  const after = await usage(server)
  const mib = (later: RelayUsage, earlier: RelayUsage, pick: (one: RelayUsage) => number): number =>
    (pick(later) - pick(earlier)) / 2 ** 20
  const held = mib(after, before, (one) => one.heldBytes)
  return {
    area: 'relay',
    what: `the receiver does not read for ${(2 * STALL_MS) / 1000} s`,
    figures: [
      { name: 'sent to it', value: first.sent + second.sent, unit: 'packets' },
      { name: 'memory in use grew by', value: held, unit: 'MiB' },
      {
        name: 'in the second half by',
        value: mib(after, middle, (one) => one.heldBytes),
        unit: 'MiB',
      },
      {
        name: 'resident memory in the second half by',
        value: mib(after, middle, (one) => one.rssBytes),
        unit: 'MiB',
      },
    ],
    bound: '256 KiB and two queues of 32 packets for each client; the oldest are dropped',
    goal: { text: 'no growth: what is in use stays within 1 MiB', met: held < 1 },
  }
}

/** Makes the server know a node; returns its key. */
async function joinNode(dir: string, address: RelayAddress) {
  const nodeKey = generateNodeKey()
  const connection = await dialControl({
    url: address.url,
    machineKey: generateMachineKey(),
    serverKey: parseMachinePublic(address.publicKey),
    version: 145,
  })
  const response = await connection.request({
    method: 'POST',
    path: '/machine/register',
    body: JSON.stringify({
      Version: 145,
      NodeKey: nodePublicOf(nodeKey),
      NLKey: lockPublicOf(generateLockKey()),
      Auth: { AuthKey: await reusableKey(join(dir, 'admin.sock')) },
      Expiry: NO_TIME,
      Hostinfo: { OS: 'linux', Hostname: 'relayed' },
    }),
  })
  await response.body(1 << 20)
  connection.close()
  return nodeKey
}

function start(children: ChildProcess[], file: string, args: readonly string[]): ChildProcess {
  const child = fork(new URL(file, import.meta.url).pathname, [...args])
  children.push(child)
  return child
}

async function tell(child: ChildProcess, order: RelayOrder): Promise<RelayCount> {
  child.send(order)
  return await next<RelayCount>(child)
}

async function usage(server: ChildProcess): Promise<RelayUsage> {
  server.send('usage')
  return await next<RelayUsage>(server)
}

async function next<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, 'message')) as [T]
  return message
}
