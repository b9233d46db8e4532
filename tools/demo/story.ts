// SPDX-License-Identifier: Apache-2.0

/**
 * The story: a tailnet, a lock, a server that turns hostile, and what the nodes make of it.
 *
 * @module
 */

import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { claim, claimSoon, soon, Surprise, type Look } from './claims.ts'
import { startMachine, type Machine } from './machine.ts'
import * as screen from './screen.ts'
import { createHonestServer, takeOver, type LyingServer } from './server.ts'
import type { Stage } from './stage.ts'

/** Plays it all. @throws Surprise */
export async function play(stage: Stage): Promise<void> {
  const { url, port, stop } = await createHonestServer(stage)
  const trio = await joinAll(stage, url)
  const secrets = await lock(trio, stage)
  await stop()
  const server = await takeOver(stage, port)
  await lies(stage, trio, server)
  const laptop = await newcomer(stage, trio, url)
  await keyChanges(stage, trio, laptop)
  await disable([...trio, laptop], secrets, stage, server)
}

type Trio = readonly [Machine, Machine, Machine]

async function joinAll(stage: Stage, url: string): Promise<Trio> {
  const machines: Machine[] = []
  for (const name of ['alpha', 'beta', 'gamma']) machines.push(await startMachine(stage, name))
  for (const machine of machines) {
    await machine.type(`up --login-server ${url} --auth-key file:key --hostname ${machine.name}`)
  }
  const [alpha, beta, gamma] = machines
  if (!alpha || !beta || !gamma) throw new Error('three machines')
  const trio: Trio = [alpha, beta, gamma]
  await peersAre(trio, trio)
  for (const [from, to] of [
    [alpha, beta],
    [beta, gamma],
    [gamma, alpha],
  ] as const) {
    await from.type(`ping -c 1 ${to.name}`)
  }
  await pingEach('the other way round too, through WireGuard', [
    [beta, alpha],
    [gamma, beta],
    [alpha, gamma],
  ])
  return trio
}

/** Turns the lock on, and returns the disablement secrets. */
async function lock(trio: Trio, stage: Stage): Promise<readonly string[]> {
  screen.step(2, 'The owner turns the tailnet lock on')
  const [alpha, beta] = trio
  const keys = await Promise.all([alpha, beta].map(keyOf))
  const init = await alpha.type(`lock init --confirm --gen-disablements 2 ${keys.join(' ')}`, {
    lines: 12,
  })
  const secrets = [...init.out.matchAll(/disablement-secret:[0-9A-F]{64}/g)].map(([text]) => text)
  if (secrets.length !== 2) throw new Surprise('lock init', '2 secrets', `${secrets.length}`)
  stage.write('secret', `${secrets[0]}\n`)
  await claimSoon(
    'every node is signed, and follows the same lock',
    'signed, one head',
    async () => {
      const locks = await Promise.all(trio.map((machine) => machine.lock()))
      const heads = new Set(await Promise.all(trio.map((machine) => machine.head())))
      const signed = locks.map((status) => `${status.Enabled} ${status.NodeKeySigned}`).join(', ')
      return (
        (heads.size === 1 && locks.every((status) => status.Enabled && status.NodeKeySigned)) ||
        `${signed}; ${heads.size} heads`
      )
    },
  )
  for (const machine of trio) await machine.type('lock status', { lines: 3 })
  await peersAre(trio, trio)
  return secrets
}

/** What was told, and what became of it. */
interface Told {
  readonly lie: string
  readonly answer: string
}

async function lies(stage: Stage, trio: Trio, server: LyingServer): Promise<void> {
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
    await refusedBy(trio, server.rogue.nodeKey, 'unsigned')
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

async function newcomer(stage: Stage, trio: Trio, url: string): Promise<Machine> {
  screen.step(4, 'An honest new laptop joins')
  const [alpha, beta, gamma] = trio
  const fingerprint = (await alpha.type('lock fingerprint', { lines: 2 })).out.trim()
  const laptop = await startMachine(stage, 'laptop')
  const up = await laptop.type(
    `up --login-server ${url} --auth-key file:key --hostname laptop --pin ${fingerprint}`,
    { exit: 3 },
  )
  const command = /^\tsignet (lock sign nodekey:\S+ tlpub:\S+)$/m.exec(up.err)?.[1]
  if (command === undefined) throw new Surprise('up', 'the command to run on a signer', up.err)
  const { NodeKey } = await laptop.lock()
  await refusedBy(trio, NodeKey ?? '', 'unsigned')
  await alpha.type('ping -c 1 laptop', { exit: 3 })
  const lost = await laptop.quietly('ping -c 1 --timeout 500ms --tsmp gamma')
  await claim(
    'nor does the laptop reach anybody',
    'exit code 4',
    () => lost.code === 4 || lost.out + lost.err,
  )
  await beta.type(command)
  const all = [...trio, laptop]
  await claimSoon('the laptop is signed', 'signed', async () => {
    const status = await laptop.lock()
    return status.NodeKeySigned || 'still locked out'
  })
  await peersAre(all, all)
  await gamma.type('ping -c 1 laptop')
  await laptop.type('ping -c 1 alpha')
  await laptop.type('status')
  return laptop
}

async function keyChanges(stage: Stage, trio: Trio, laptop: Machine): Promise<void> {
  screen.step(5, 'The owner changes the trusted keys')
  const [alpha, beta, gamma] = trio
  const all = [...trio, laptop]
  const [a, b, c] = await Promise.all(trio.map(keyOf))
  await alpha.type(`lock add ${c}`)
  await trustedAre(all, [a, b, c])
  await alpha.type(`lock remove ${b}`)
  await trustedAre(all, [a, c])
  await claimSoon(
    'the laptop, signed by beta before, was signed again by alpha',
    'alpha',
    async () => {
      const { NodeKeySigned, NodeKeySignature } = await laptop.lock()
      const by = `tlpub:${Buffer.from(NodeKeySignature?.keyId ?? []).toString('hex')}`
      return (NodeKeySigned && by === a) || `signed: ${NodeKeySigned}, by ${by}`
    },
  )
  await peersAre(all, all)
  await pingEach(
    'and still reaches everybody',
    trio.map((machine) => [laptop, machine]),
  )
  const { NodeKey } = await laptop.lock()
  await beta.type(`lock sign ${NodeKey}`, { exit: 1 })
  await laptop.type('lock log', { lines: 4 })
  const fingerprint = (await gamma.quietly('lock fingerprint')).out.trim()
  stage.write('chain.json', (await laptop.quietly('lock log --limit 0 --json')).out)
  await gamma.type(`lock verify --pin ${fingerprint} chain.json`, { lines: 3 })
}

async function disable(
  all: readonly Machine[],
  secrets: readonly string[],
  stage: Stage,
  server: LyingServer,
): Promise<void> {
  screen.step(6, 'The end of the lock')
  const [alpha, beta] = all
  if (!alpha || !beta) throw new Error('machines')
  stage.write('wrong-secret', `disablement-secret:${'0'.repeat(64)}\n`)
  await alpha.type('lock disable file:wrong-secret', { exit: 1 })
  await claim('a wrong secret does nothing', 'the lock is on everywhere', async () => {
    const on = await Promise.all(all.map(async (machine) => (await machine.lock()).Enabled))
    return on.every(Boolean) || on.join(', ')
  })
  if (secrets.length === 0) throw new Error('secrets')
  await beta.type('lock disable file:secret')
  await claimSoon('the right one ends the lock on every node', 'off everywhere', async () => {
    const on = await Promise.all(all.map(async (machine) => (await machine.lock()).Enabled))
    return on.every((each) => !each) || on.join(', ')
  })
  await alpha.type('lock status', { lines: 1 })
  screen.narrate('What was it worth? The server slips its node in once more.')
  await server.tell('rogue', 'full')
  await claimSoon('now alpha takes the rogue for a peer', 'rogue-666 among its peers', async () => {
    const peers = await alpha.peers()
    return peers.includes('rogue') || peers
  })
  const answers = await server.knock(alpha, () => signOfLife(alpha, all))
  await claim('and the very handshake that stayed unanswered is answered', 'a datagram', () => {
    return answers > 0 || 'silence'
  })
}

function names(machines: readonly Machine[]): string {
  const list = machines.map(({ name }) => name)
  return list.length < 2 ? list.join() : `${list.slice(0, -1).join(', ')} and ${list.at(-1)}`
}

async function keyOf(machine: Machine): Promise<string> {
  return (await machine.lock()).PublicKey.replace('nlpub:', 'tlpub:')
}

async function trustedKeys(machine: Machine): Promise<string> {
  const { TrustedKeys } = await machine.lock()
  return (TrustedKeys ?? []).map(({ Key }) => Key.replace('nlpub:', 'tlpub:')).join(' ')
}

/** Each has exactly the others for peers. */
async function peersAre(
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
async function trustedAre(
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
async function refusedBy(
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

async function pingEach(
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
async function signOfLife(machine: Machine, all: readonly Machine[]): Promise<void> {
  const other = all.find((each) => each !== machine)
  const problem = (await other?.ping(machine)) ?? 'nobody to ask'
  if (problem !== '') throw new Surprise(`${machine.name} lives`, 'a pong', problem)
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
