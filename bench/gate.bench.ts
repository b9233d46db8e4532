// SPDX-License-Identifier: Apache-2.0

/**
 * The gate: a map of 10,000 signed peers seen for the first time, seen again, and with one change.
 *
 * @module
 */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import {
  generateLockKey,
  generateNodeKey,
  lockSigner,
  nodePublicOf,
  type LockSigner,
} from '@signet/keys'
import type { ControlNode } from '@signet/protocol'
import {
  bootstrapAuthority,
  createGenesis,
  createMemoryStore,
  KeyKind,
  signNodeKey,
  stateIdsFromBytes,
  type Authority,
} from '@signet/tka'
import { createGate, type GateInput } from '../packages/node/src/lock/gate.ts'
import type { RotationMemory } from '../packages/node/src/lock/rotation-memory.ts'
import { createVerdictCache } from '../packages/node/src/lock/verdicts.ts'
import { medianMsAsync, quantile, type Row } from './harness.ts'

const PEERS = 10_000
const ROUNDS = 5

export async function bench(): Promise<readonly Row[]> {
  const signer = lockSigner(generateLockKey())
  const authority = lockedBy(signer)
  const peers = Array.from({ length: PEERS }, (_, index) => signedPeer(index + 2, signer))
  const input = (list: readonly ControlNode[]): GateInput => ({
    self: null,
    peers: list,
    lock: { kind: 'locked', authority, memory: noRotations },
    acceptRoutes: false,
  })

  // The first key of a process costs what the library's loading costs; that is not the gate.
  await createGate(createVerdictCache()).judge(input(peers.slice(0, 200)))

  const firsts: number[] = []
  const cpus: number[] = []
  const delays: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const gate = createGate(createVerdictCache())
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const cpu = process.cpuUsage()
    const start = performance.now()
    const { admitted } = await gate.judge(input(peers))
    firsts.push(performance.now() - start)
    const { user, system } = process.cpuUsage(cpu)
    cpus.push((user + system) / 1000)
    delay.disable()
    delays.push(delay.max / 1e6)
    if (admitted.length !== PEERS) throw new Error('Cannot measure: a good peer was refused')
  }

  const verdicts = createVerdictCache()
  const gate = createGate(verdicts)
  await gate.judge(input(peers))
  const verifiedBefore = verdicts.stats().verified
  // A full map after a reconnect: every object, text and byte made anew, outside of the clock.
  const maps = Array.from({ length: 9 }, () => input(peers.map((peer) => parsedAnew(peer))))
  const unchanged = await medianMsAsync(9, () => gate.judge(maps.pop() ?? input(peers)))
  const sameNodes = input(peers)
  await gate.judge(sameNodes)
  const identical = await medianMsAsync(15, () => gate.judge(sameNodes))
  const verifiedAgain = verdicts.stats().verified - verifiedBefore
  const spare = Array.from({ length: 15 }, () => signedPeer(PEERS / 2, signer))
  const oneChanged = await medianMsAsync(15, () => {
    const next = [...peers]
    next[PEERS / 2] = spare.pop() ?? signedPeer(PEERS / 2, signer)
    return gate.judge(input(next))
  })

  const first = quantile(firsts, 0.5)
  const worstDelay = quantile(delays, 0.5)
  return [
    {
      area: 'gate',
      what: 'first check of 10,000 direct signatures',
      figures: [
        { name: 'median', value: first, unit: 'ms' },
        { name: 'CPU', value: quantile(cpus, 0.5), unit: 'ms' },
        { name: 'longest block of the event loop', value: worstDelay, unit: 'ms' },
      ],
      bound: 'Ed25519 in libsodium, on both cores',
      goal: { text: '520 ms, no block over 20 ms', met: first <= 520 && worstDelay <= 20 },
    },
    {
      area: 'gate',
      what: 'the same map parsed anew, unchanged',
      figures: [
        { name: 'median', value: unchanged, unit: 'ms' },
        { name: 'cheaper', value: first / unchanged, unit: 'x' },
        { name: 'signatures verified', value: verifiedAgain, unit: '' },
      ],
      bound: 'comparing 10,000 keys and signatures',
      goal: {
        text: '100x cheaper, none verified',
        met: first / unchanged >= 100 && verifiedAgain === 0,
      },
    },
    {
      area: 'gate',
      what: 'the same map with the same objects',
      figures: [
        { name: 'median', value: identical, unit: 'ms' },
        { name: 'cheaper', value: first / identical, unit: 'x' },
      ],
      bound: 'walking the list',
    },
    {
      area: 'gate',
      what: 'one peer of 10,000 changed',
      figures: [{ name: 'median', value: oneChanged, unit: 'ms' }],
      bound: 'one verification, and judging all together',
    },
  ]
}

/** The same peer as the next map would bring it: no object, text or byte is shared. */
function parsedAnew(peer: ControlNode): ControlNode {
  const copy = JSON.parse(JSON.stringify({ ...peer, KeySignature: undefined })) as ControlNode
  return { ...copy, KeySignature: peer.KeySignature?.slice() }
}

const noRotations: RotationMemory = {
  replacedBy: () => undefined,
  longest: () => 0,
  learn: () => undefined,
  forgive: () => false,
}

function lockedBy(signer: LockSigner): Authority {
  const state = {
    lastAumHash: null,
    disablementValues: [new Uint8Array(32).fill(7)],
    keys: [{ kind: KeyKind.Ed25519, votes: 1n, public: signer.keyId, meta: null }],
    ...stateIdsFromBytes(crypto.getRandomValues(new Uint8Array(16))),
  }
  return bootstrapAuthority(createMemoryStore({ now: () => 0 }), createGenesis(state, [signer]))
}

function signedPeer(id: number, signer: LockSigner): ControlNode {
  const nodeKey = nodePublicOf(generateNodeKey())
  return {
    ID: id,
    StableID: `n${id}`,
    Name: `n${id}.example.`,
    Key: nodeKey,
    KeySignature: signNodeKey({ nodeKey, signer }),
    Addresses: [`100.64.${id >> 8}.${id & 255}/32`],
  } as unknown as ControlNode
}
