// SPDX-License-Identifier: Apache-2.0

/**
 * What can be seen on the machines: who has whom for a peer, who refuses whom, who trusts which
 * keys, who reaches whom.
 *
 * @module
 */

import { claim, claimSoon, Surprise } from './claims.ts'
import type { Machine } from './machine.ts'
import * as screen from './screen.ts'

/** The names as a phrase. */
export function names(machines: readonly Machine[]): string {
  const list = machines.map(({ name }) => name)
  return list.length < 2 ? list.join() : `${list.slice(0, -1).join(', ')} and ${list.at(-1)}`
}

/** The lock key of a machine, as commands show it. */
export async function keyOf(machine: Machine): Promise<string> {
  return (await machine.lock()).PublicKey.replace('nlpub:', 'tlpub:')
}

/** The keys that a machine trusts, in order. */
export async function trustedKeys(machine: Machine): Promise<string> {
  const { TrustedKeys } = await machine.lock()
  return (TrustedKeys ?? []).map(({ Key }) => Key.replace('nlpub:', 'tlpub:')).join(' ')
}

/** Each has exactly the others for peers. */
export async function peersAre(
  machines: readonly Machine[],
  everybody: readonly Machine[],
): Promise<void> {
  await claimSoon(
    `${names(machines)} have each other for peers, and nobody else`,
    names(everybody),
    async () => {
      for (const machine of machines) {
        const wanted = everybody
          .filter((other) => other !== machine)
          .map(({ name }) => name)
          .sort()
          .join(' ')
        const peers = await machine.peers()
        if (peers !== wanted) return `${machine.name} has ${peers === '' ? 'nobody' : peers}`
      }
      return true
    },
  )
}

/** All follow one head, on which exactly these keys are trusted; what is in force is also on disk. */
export async function trustedAre(
  machines: readonly Machine[],
  keys: readonly (string | undefined)[],
): Promise<void> {
  await claimSoon(
    `the change has reached ${names(machines)}, and their disks: ${keys.length} trusted keys`,
    keys.join(' '),
    async () => {
      const heads = new Set<string>()
      for (const machine of machines) {
        const trusted = await trustedKeys(machine)
        if (trusted !== keys.join(' ')) return `${machine.name} trusts ${trusted}`
        heads.add(await machine.head())
        heads.add(machine.persistedHead())
      }
      return heads.size === 1 || `${heads.size} heads`
    },
  )
}

/** Each refuses this key, by name, and gives this reason. */
export async function refusedBy(
  machines: readonly Machine[],
  nodeKey: string,
  reason: string,
): Promise<void> {
  let said = ''
  await claimSoon(`${names(machines)} refuse it by name`, reason, async () => {
    for (const machine of machines) {
      const { FilteredPeers } = await machine.lock()
      const found = FilteredPeers?.find((peer) => peer.NodeKey === nodeKey)
      if (found?.Reason !== reason) return `${machine.name}: ${found?.Reason ?? 'not refused'}`
      said = `${found.Name.replace(/\.$/, '')}: ${found.ReasonText}`
    }
    return true
  })
  screen.answered(said)
}

/** Each first of a pair reaches the second through WireGuard. */
export async function pingEach(
  text: string,
  pairs: readonly (readonly [Machine, Machine])[],
): Promise<void> {
  const results = await Promise.all(
    pairs.map(async ([from, to]) => ({ from, to, problem: await from.ping(to) })),
  )
  const failed = results.find(({ problem }) => problem !== '')
  const way = pairs.map(([from, to]) => `${from.name} → ${to.name}`).join(', ')
  await claim(`${text} (${way})`, 'pongs', () => {
    return failed === undefined || `${failed.from.name} → ${failed.to.name}: ${failed.problem}`
  })
}

/** A ping of somebody who is in: the machine runs, and would have answered by now. */
export async function signOfLife(machine: Machine, all: readonly Machine[]): Promise<void> {
  const other = all.find((each) => each !== machine)
  const problem = (await other?.ping(machine)) ?? 'nobody to ask'
  if (problem !== '') throw new Surprise(`${machine.name} lives`, 'a pong', problem)
}
