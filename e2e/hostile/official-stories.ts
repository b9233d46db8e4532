// SPDX-License-Identifier: Apache-2.0

/**
 * Lies that need more than one frame: about rotations, at a restart, at first contact, about the history of the lock.
 *
 * @module
 */

import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toBase64 } from '@signet/codec'
import type { ControlNode } from '@signet/protocol'
import { aumHash, aumHashText, encodeAum } from '@signet/tka'
import type { MapLie, TkaLie } from '../support/lying-tailnet.ts'
import { foreignGenesis } from './authority-lies.ts'
import { judgeLock, judgeRogue, type HostileRow, type Verdict } from './official-judge.ts'
import { truth, type OfficialVictim } from './official-victim.ts'
import type { HostileWorld } from './official-world.ts'
import { rotated, showing } from './peer-lies.ts'
import { makeUndoHistory } from './undo-history.ts'
import { undoLies, type UndoLie, type UndoLoot } from './undo-lies.ts'

/** An owner's node before and after a rotation; each row has rotations of its own. */
function rotationOf({ loot }: HostileWorld, times = 1): readonly [ControlNode, ControlNode] {
  const now = rotated(loot.honest, loot.honestSigner, times)
  return [{ ...loot.honest, ID: 667, StableID: 'nOld', Name: 'old.example.' }, now]
}

const outdated = async (world: HostileWorld, shown: ControlNode): Promise<Verdict> =>
  judgeRogue(world, world.victim, shown, false)

/** Lies about keys that were replaced. */
export const rotations: readonly HostileRow[] = [
  {
    name: 'rotations: the old key beside the new one (full)',
    async play(world) {
      const [old, now] = rotationOf(world)
      await world.honestly(world.victim)
      const both: MapLie = (m) => showing(old, 'full')(showing(now, 'full')(m))
      await world.victim.tell('full', both)
      return outdated(world, old)
    },
  },
  {
    name: 'rotations: the old key beside the new one (delta)',
    async play(world) {
      const [old, now] = rotationOf(world)
      await world.honestly(world.victim)
      await world.victim.tell('full', showing(now, 'full'))
      await world.victim.tell('delta', showing(old, 'delta'))
      return outdated(world, old)
    },
  },
  {
    name: 'rotations: the old key alone, after the new one was seen',
    async play(world) {
      const [, now] = rotationOf(world)
      await world.victim.tell('full', showing(now, 'full'))
      await world.victim.tell('full', truth)
      return outdated(world, world.loot.honest)
    },
  },
  {
    name: 'rotations: an older rotation alone, after a newer one was seen',
    async play(world) {
      const [, now] = rotationOf(world, 3)
      const [, older] = rotationOf(world)
      await world.victim.tell('full', showing(now, 'full'))
      await world.victim.tell('full', showing(older, 'full'))
      return outdated(world, older)
    },
  },
]

const silent: MapLie = ({ TKAInfo: _unsaid, ...message }) => message

/** Says nothing of the lock, and that this node need not know of locks. */
const incapable: MapLie = (message) => {
  const { Node } = message
  if (!Node) return message
  const { CapMap: _capabilities, Capabilities: _old, ...bare } = Node
  return { ...message, Node: bare }
}

const nothing: TkaLie = (path, reply) => (path.endsWith('/bootstrap') ? {} : reply)

/** Shows an authority of the server's own making. */
function foreign(): { readonly map: MapLie; readonly tka: TkaLie; readonly hash: string } {
  const genesis = foreignGenesis()
  const head = aumHashText(aumHash(genesis))
  return {
    hash: aumHash(genesis),
    map: (message) => ({ ...message, TKAInfo: { Head: head } }),
    tka: (path, reply) => {
      if (path.endsWith('/bootstrap')) return { GenesisAUM: toBase64(encodeAum(genesis)) }
      if (path.endsWith('/sync/send')) return { Head: head }
      return path.endsWith('/sync/offer') ? { Head: head, Ancestors: [head] } : reply
    },
  }
}

/** Tells a lie from the first frame after a restart on. */
async function restartWith(
  world: HostileWorld,
  map: MapLie,
  tka: TkaLie,
  meanwhile?: () => void,
): Promise<Verdict> {
  const { victim, tailnet } = world
  await world.honestly(victim)
  tailnet.setMapLie(map)
  tailnet.setTkaLie(tka)
  await victim.restart(meanwhile)
  await victim.tell('full', map)
  const verdict = await judgeLock(world, victim)
  await world.honestly(victim)
  return verdict
}

/** Overwrites every update that the client has stored. */
function damage(dir: string): void {
  const root = join(dir, 'tka-profiles')
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const path = join(root, name)
    if (statSync(path).isFile()) writeFileSync(path, 'damaged')
  }
}

let contacts = 0

/** Tells a lie to a client that joins. */
async function contactWith(
  world: HostileWorld,
  map: MapLie,
  tka: TkaLie,
  judge: (fresh: OfficialVictim) => Promise<Verdict>,
): Promise<Verdict> {
  const { tailnet } = world
  const others = [world.signer, world.second, world.honest, world.victim]
  const known = new Set(others.map(({ nodeKey }) => nodeKey))
  tailnet.utter('delta', (message, viewer) => (known.has(viewer) ? message : map(message, viewer)))
  tailnet.setMapLie(map)
  tailnet.setTkaLie(tka)
  try {
    await using fresh = await world.another(`fresh-${++contacts}`, false)
    await fresh.tell('full', (message, viewer) =>
      showing(world.loot.rogue, 'full')(map(message, viewer)),
    )
    return await judge(fresh)
  } finally {
    tailnet.setMapLie(undefined)
    tailnet.setTkaLie(undefined)
  }
}

/** A client that was told nothing true yet has to be without the rogue. */
const withoutRogue =
  (world: HostileWorld) =>
  (fresh: OfficialVictim): Promise<Verdict> =>
    judgeRogue(world, fresh, world.loot.rogue)

/** Lies at the start of a client. */
export const starts: readonly HostileRow[] = [
  {
    name: 'restart: nothing is said of the lock',
    play: (world) => restartWith(world, silent, nothing),
  },
  {
    name: 'restart: nothing is said of the lock, and clients need not know of it',
    play: (world) => restartWith(world, (m, v) => incapable(silent(m, v), v), nothing),
  },
  {
    name: 'restart: an empty word about the lock',
    play: (world) => restartWith(world, (m) => ({ ...m, TKAInfo: {} }), nothing),
  },
  {
    name: 'restart: another genesis',
    play(world) {
      const { map, tka } = foreign()
      return restartWith(world, map, tka)
    },
  },
  {
    name: 'restart: nothing is said of the lock to a client whose stored lock is damaged',
    play: (world) => restartWith(world, silent, nothing, () => damage(world.victim.dir)),
  },
  {
    name: 'first contact: there is no lock',
    play: (world) => contactWith(world, silent, nothing, withoutRogue(world)),
  },
  {
    name: 'first contact: the lock is on, its genesis is withheld',
    play: (world) => contactWith(world, truth, nothing, withoutRogue(world)),
  },
  {
    name: 'first contact: the lock is on, clients need not know of it',
    play: (world) => contactWith(world, incapable, (_, reply) => reply, withoutRogue(world)),
  },
  {
    name: 'first contact: another genesis',
    play(world) {
      const { map, tka, hash } = foreign()
      return contactWith(world, map, tka, async (fresh) => {
        const isForeign = (await fresh.head()) === hash
        return { holds: !isForeign, seen: isForeign ? 'trusts it' : 'does not trust it' }
      })
    },
  },
]

/** Each world has one history, and each lie about it a client that has seen the whole of it. */
const histories = new WeakMap<HostileWorld, Promise<UndoLoot>>()

function historyOf(world: HostileWorld): Promise<UndoLoot> {
  const { tailnet, signer, second, honest } = world
  const made = histories.get(world) ?? makeUndoHistory(tailnet, [signer, second, honest])
  histories.set(world, made)
  return made
}

/** A lie about the history; one without updates says that the lock is at its first update again. */
function historyRow(name: string, updates: UndoLie['updates']): HostileRow {
  return {
    name: `history: ${name}`,
    async play(world) {
      const { tailnet } = world
      const loot = await historyOf(world)
      const { genesis } = world.lockLoot()
      const aums = updates(loot)
      const last = aums.at(-1)
      const Head = aumHashText(last === undefined ? genesis : aumHash(last))
      tailnet.setTkaLie(undefined)
      await using victim = await world.another(`history-${++contacts}`)
      tailnet.setTkaLie((path, reply) => {
        if (path.endsWith('/sync/send')) return { Head }
        if (!path.endsWith('/sync/offer')) return reply
        const MissingAUMs = aums.map((aum) => toBase64(encodeAum(aum)))
        return { Head, Ancestors: [aumHashText(genesis)], MissingAUMs }
      })
      await victim.tell('full', (message) => ({ ...message, TKAInfo: { Head } }))
      return await judgeLock(world, victim)
    },
  }
}

/** Lies about the history of the lock. */
export const history: readonly HostileRow[] = [
  historyRow('the lock as it was at its beginning', () => []),
  ...undoLies.map((lie) => historyRow(lie.name, lie.updates)),
]
