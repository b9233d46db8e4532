// SPDX-License-Identifier: Apache-2.0

/**
 * The third act: every lie that a server can tell by itself, and what the nodes make of it.
 *
 * @module
 */

import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { claim, claimSoon, soon, type Look } from './claims.ts'
import type { Machine } from './machine.ts'
import * as screen from './screen.ts'
import type { LyingServer } from './server.ts'
import { names, peersAre, pingEach, refusedBy, signOfLife, trustedKeys } from './sights.ts'
import type { Stage } from './stage.ts'

/** The three machines that were there from the beginning. */
export type Trio = readonly [Machine, Machine, Machine]

/** What was told, and what became of it. */
interface Told {
  readonly lie: string
  readonly answer: string
}

/** Tells every lie, and looks at what the nodes make of it. */
export async function tellLies(stage: Stage, trio: Trio, server: LyingServer): Promise<void> {
  const told: Told[] = []
  const head = await trio[0].head()
  const keys = await trustedKeys(trio[0])
  const unharmed = (text: string): Promise<void> =>
    claim(text, `head ${head}, in force and on disk`, () => isUnharmed(trio, head, keys))

  await slipIn(trio, server, told, unharmed)
  await replayOldKey(trio, server, told)
  for (const [lie, text] of [
    ['an invented trusted key, signed by itself', 'invents a trusted key'],
    ['history rewritten from the first update on', 'rewrites the history of the lock'],
    ['all disablement secrets swapped', 'swaps the disablement secrets'],
    ['the lock is off, with a wrong secret', 'says that the lock is off'],
  ] as const) {
    screen.narrate(`The server ${text}.`)
    await server.tell(lie)
    told.push({ lie: text, answer: await complaint(trio) })
    await unharmed(`${names(trio)} keep their lock, in memory and on disk`)
    await pingEach('and reach each other as before', [[trio[0], trio[1]]])
    await beHonest(trio, server)
  }

  const [, , gamma] = trio
  screen.narrate('The server shows another genesis to a node that restarts.')
  await server.tell('another genesis')
  await gamma.restart()
  told.push({ lie: 'shows a restarted node another genesis', answer: await complaint([gamma]) })
  await unharmed('gamma comes back with the lock that it had')
  await pingEach('and with its peers', [[gamma, trio[0]]])
  await lostStore(stage, gamma, trio, told)
  await beHonest(trio, server)
  await peersAre(trio, trio)
  await unharmed('all with the lock that they had')

  screen.line()
  screen.table(
    ['THE SERVER ...', 'EVERY NODE SAYS'],
    told.map(({ lie, answer }) => [lie, answer]),
  )
}

/** The lock's files vanish while the server shows another lock: the node lets nobody in, and says why. */
async function lostStore(stage: Stage, gamma: Machine, trio: Trio, told: Told[]): Promise<void> {
  const [alpha] = trio
  const [kept, away] = ['gamma/lock', 'gamma/lock.away'].map((name) => join(stage.dir, name))
  if (kept === undefined || away === undefined) throw new Error('paths')
  screen.narrate("Now gamma's copy of the lock is lost as well, and the server offers its own.")
  await gamma.restart(() => {
    screen.typed('gamma', 'mv gamma/lock gamma/lock.away')
    renameSync(kept, away)
  })
  const { err } = await gamma.type('status', { exit: 3, lines: 6 })
  await claim('gamma lets nobody in', 'no peers', async () => {
    const peers = await gamma.peers()
    return peers === '' || peers
  })
  const lost = await alpha.quietly('ping -c 1 --timeout 500ms --tsmp gamma')
  await claim('and answers nobody', 'no pong', () => lost.code !== 0 || lost.out)
  const said = /^This node refuses all peers: (.*)$/m.exec(err)?.[1] ?? ''
  told.push({ lie: 'offers another lock to a node that lost its own', answer: said })
  await gamma.restart(() => {
    screen.typed('gamma', 'mv gamma/lock.away gamma/lock')
    renameSync(away, kept)
  })
}

/** The server puts a node of its own into everybody's map, whole and as a change. */
async function slipIn(
  trio: Trio,
  server: LyingServer,
  told: Told[],
  unharmed: (text: string) => Promise<void>,
): Promise<void> {
  for (const mode of ['full', 'delta'] as const) {
    const how = mode === 'full' ? 'a whole map' : 'a change to the map'
    screen.narrate(`It slips a node of its own into ${how}.`)
    await server.tell('rogue', mode)
    await refusedBy(trio, server.rogueKey, 'unsigned')
    if (mode === 'full') await trio[1].type('status', { lines: 10 })
    await peersAre(trio, trio)
    for (const machine of trio) {
      const answers = await server.knock(machine, () => signOfLife(machine, trio))
      await claim(
        `its WireGuard handshake with ${machine.name} stays unanswered`,
        'no datagram',
        () => answers === 0 || `${answers} datagrams`,
      )
    }
    await unharmed('nobody changed its lock')
    await beHonest(trio, server)
  }
  told.push({
    lie: 'adds a node of its own (whole map, change)',
    answer: 'refused: no trusted key has signed this node',
  })
}

/** gamma changes its key; the server then shows the old one again, with its old, good signature. */
async function replayOldKey(trio: Trio, server: LyingServer, told: Told[]): Promise<void> {
  const [alpha, beta, gamma] = trio
  const oldKey = (await gamma.lock()).NodeKey ?? ''
  await gamma.type('up --force-reauth --auth-key file:key')
  await claimSoon(
    'gamma has a new node key, and signed it itself',
    'another key, signed',
    async () => {
      const { NodeKey, NodeKeySigned } = await gamma.lock()
      return (NodeKey !== oldKey && NodeKeySigned) || `${NodeKey}, signed: ${NodeKeySigned}`
    },
  )
  await peersAre(trio, trio)
  await pingEach('everybody follows', [
    [alpha, gamma],
    [beta, gamma],
  ])
  for (const mode of ['full', 'delta'] as const) {
    const how = mode === 'full' ? 'a whole map' : 'a change to the map'
    screen.narrate(`The server replays gamma's old key and its old signature in ${how}.`)
    await server.tell('replay', mode, 'gamma')
    await refusedBy([alpha, beta], oldKey, 'replaced-key')
    if (mode === 'full') await alpha.type('ping -c 1 gamma', { exit: 3 })
    await beHonest(trio, server)
    await peersAre(trio, trio)
  }
  const text = 'refused: this key was replaced by a newer one, its old signature is a replay'
  told.push({ lie: 'replays an old key (whole map, change)', answer: text })
  await pingEach('and gamma is back', [[alpha, gamma]])
}

/** Waits until each of these has noticed that something is wrong with the lock; returns what they say. */
async function complaint(machines: readonly Machine[]): Promise<string> {
  let said = ''
  await soon('the nodes notice', 'a warning on each', async () => {
    for (const machine of machines) {
      const warning = (await machine.lock()).Signet?.Warnings?.[0]
      if (warning === undefined) return `${machine.name} says nothing`
      said = warning
    }
    return true
  })
  return said
}

async function isUnharmed(trio: Trio, head: string, keys: string): Promise<Look> {
  for (const machine of trio) {
    const seen = [await machine.head(), machine.persistedHead(), await trustedKeys(machine)]
    if (seen.join() !== [head, head, keys].join()) return `${machine.name}: ${seen.join(', ')}`
    const { Enabled, NodeKeySigned } = await machine.lock()
    if (!Enabled || !NodeKeySigned) return `${machine.name}: on ${Enabled}, signed ${NodeKeySigned}`
  }
  return true
}

/** The truth again, and everybody content with it. */
async function beHonest(trio: Trio, server: LyingServer): Promise<void> {
  await server.beHonest()
  await soon('the truth is heard', 'nothing refused, no warning', async () => {
    for (const machine of trio) {
      const { FilteredPeers, Signet } = await machine.lock()
      const wrong = [...(FilteredPeers ?? []).map(({ Name }) => Name), ...(Signet?.Warnings ?? [])]
      if (wrong.length > 0) return `${machine.name}: ${wrong.join(', ')}`
    }
    return true
  })
}
