// SPDX-License-Identifier: Apache-2.0

/**
 * What is attacked: a locked tailnet of recorded nodes, which came about as it was recorded. One of its nodes
 * is the attacker; the others must not notice.
 *
 * @module
 */

import {
  generateLockKey,
  generateMachineKey,
  generateNodeKey,
  lockPublicOf,
  machinePublicOf,
  nodePublicOf,
} from '@signet/keys'
import type { MachinePrivate, NodePrivate } from '@signet/keys'
import { dial } from '../replay/client.ts'
import { replayRun } from '../replay/replay.ts'
import { OWN_KEY } from '../replay/server.ts'
import type { ReplayServer } from '../replay/server.ts'
import { readRuns } from '../replay/transcript.ts'
import type { Run, Step } from '../replay/transcript.ts'

/** The place, and who is in it. */
export interface World {
  readonly server: ReplayServer
  /** A node of the tailnet. */
  readonly attacker: MachinePrivate
  /** The node key that it has now; it joins again if it has none. */
  attackerKey(): Promise<string>
  /** A node that may use the relay. */
  readonly relayKey: NodePrivate
  /** Requests of all recordings, by their paths. */
  readonly requests: readonly (readonly Step[])[]
  /** Recorded handshakes for this server's key, in base64. */
  readonly initiations: readonly string[]
  /** Keys of all kinds that occur in them. */
  readonly keys: readonly string[]
  /** Whose node key this is, if it is in use. */
  ownerOf(nodeKey: string): Promise<string | undefined>
  /** Everything that belongs to nodes other than the attacker's, by their names. */
  others(): Promise<Map<string, string>>
}

/** The last scenario that is replayed before the attack. */
const LAST = 'lock-add'

/** Builds the world, lets something happen in it, and takes it down. */
export async function withWorld(
  folder: string,
  use: (world: World) => Promise<void>,
): Promise<void> {
  const runs = readRuns(folder)
  const locked = runs.find(({ transcripts }) =>
    transcripts.some(({ scenario }) => scenario === LAST),
  )
  if (locked === undefined) throw new Error(`No ${LAST} among the transcripts`)
  const end = locked.transcripts.findIndex(({ scenario }) => scenario === LAST)
  const run: Run = { ...locked, transcripts: locked.transcripts.slice(0, end + 1) }
  const requests = runs
    .flatMap(({ transcripts }) => transcripts)
    .flatMap(({ steps }) => steps)
    .filter(({ transport, body }) => transport === 'noise' && body !== null)
  const keys = new Set<string>()
  for (const { body } of requests) {
    for (const [key] of (body ?? '').matchAll(/[a-z]+:[0-9a-f]{64}/g)) keys.add(key)
  }
  const judge = { allows: () => true, withhold: () => {} }
  await replayRun(run, judge, async (server) => {
    const nodes = await server.admin.nodes()
    const last = nodes.at(-1)
    const attacker = last === undefined ? undefined : run.machines.get(last.machineKey)
    if (last === undefined || attacker === undefined) throw new Error('Nobody to attack as')
    const relayKey = generateNodeKey()
    await join(server, generateMachineKey(), relayKey)
    await use({
      relayKey,
      server,
      attacker,
      attackerKey: () => keyOf(server, attacker),
      requests: [...Map.groupBy(requests, ({ path }) => kindOf(path)).values()],
      initiations: run.transcripts
        .flatMap(({ steps }) => steps)
        .flatMap(({ headers }) => headers['x-tailscale-handshake'] ?? []),
      keys: [...keys],
      ownerOf: async (nodeKey) =>
        (await server.admin.nodes()).find((node) => node.nodeKey === nodeKey)?.machineKey,
      others: () => othersOf(server, machinePublicOf(attacker), new Set(nodes.map(({ id }) => id))),
    })
  })
}

async function othersOf(
  { admin }: ReplayServer,
  attacker: string,
  ids: ReadonlySet<number>,
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const node of await admin.nodes()) {
    if (node.machineKey === attacker || !ids.has(node.id)) continue
    // Signatures that a key of the lock has made may be brought by anybody.
    const { lastSeen: _seen, online: _online, lock, ...kept } = node
    found.set(node.name, JSON.stringify({ ...kept, reportedHead: lock.reportedHead }))
  }
  return found
}

async function keyOf(server: ReplayServer, machine: MachinePrivate): Promise<string> {
  const machineKey = machinePublicOf(machine)
  const now = server.clock.now()
  const usable = (await server.admin.nodes()).find(
    (node) =>
      node.machineKey === machineKey && (node.expiry === null || Date.parse(node.expiry) > now),
  )
  if (usable !== undefined) return usable.nodeKey
  const nodeKey = generateNodeKey()
  await join(server, machine, nodeKey)
  return nodePublicOf(nodeKey)
}

/** Has a machine join with a key of the replay's own. */
async function join(
  server: ReplayServer,
  machine: MachinePrivate,
  nodeKey: NodePrivate,
): Promise<void> {
  const connection = await dial(server.control, machine)
  const hello = {
    Version: 145,
    NodeKey: nodePublicOf(nodeKey),
    NLKey: lockPublicOf(generateLockKey()),
    Auth: { AuthKey: OWN_KEY },
    Hostinfo: {},
  }
  const body = JSON.stringify(hello)
  const response = await connection.request({ method: 'POST', path: '/machine/register', body })
  await response.body(1 << 20)
  connection.close()
}

/** Calls that this server has not are one kind together. */
function kindOf(path: string): string {
  return /^\/machine\/(?:register|map|tka\/.*)$/.test(path) ? path : 'other'
}
