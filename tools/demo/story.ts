// SPDX-License-Identifier: Apache-2.0

/**
 * The story: a tailnet, a lock, a server that turns hostile, and what the nodes make of it.
 *
 * @module
 */

import { claim, claimSoon, Surprise } from './claims.ts'
import { tellLies, type Trio } from './lies.ts'
import { startMachine, type Machine } from './machine.ts'
import * as screen from './screen.ts'
import { createHonestServer, takeOver, type LyingServer } from './server.ts'
import { keyOf, peersAre, pingEach, refusedBy, signOfLife, trustedAre } from './sights.ts'
import type { Stage } from './stage.ts'

/** Plays it all. @throws Surprise */
export async function play(stage: Stage): Promise<void> {
  const { url, port, stop } = await createHonestServer(stage)
  const trio = await joinAll(stage, url)
  const secrets = await lock(trio, stage)
  await stop()
  const server = await takeOver(stage, port)
  await tellLies(stage, trio, server)
  const laptop = await newcomer(stage, trio, url)
  await keyChanges(stage, trio, laptop)
  await disable([...trio, laptop], secrets, stage, server)
}

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
