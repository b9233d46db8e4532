// SPDX-License-Identifier: Apache-2.0

/**
 * The tunnel: packets one way between two processes over loopback UDP, as large as the tunnel takes
 * them.
 *
 * @module
 */

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createAead } from '@signet/crypto'
import { microsEach, quantile, type Row } from './harness.ts'
import type { TunnelEnd, TunnelOrder, TunnelUsage } from './tunnel-process.ts'

const ROUNDS = 5
const ROUND_MS = 2_000
const GB = 1e9
const PACKET = 1_400

export async function bench(): Promise<readonly Row[]> {
  const [left, right] = [startEnd('100.64.0.1'), startEnd('100.64.0.2')]
  try {
    const [a, b] = await Promise.all([nextMessage<TunnelEnd>(left), nextMessage<TunnelEnd>(right)])
    await Promise.all([tell(left, { peer: b }), tell(right, { peer: a })])
    // The first round compiles the code.
    await tell(left, { send: ROUND_MS / 2, to: b.address })
    const rounds: Round[] = []
    for (let i = 0; i < ROUNDS; i++) rounds.push(await oneRound(left, right, b.address))
    const median = (pick: (round: Round) => number): number => quantile(rounds.map(pick), 0.5)
    return [
      {
        area: 'tunnel',
        what: '1,280-byte packets one way, two processes on loopback',
        figures: [
          { name: 'received', value: median(({ mbits }) => mbits), unit: 'Mbit/s' },
          { name: 'sender CPU per GB', value: median(({ sender }) => sender), unit: 's' },
          { name: 'receiver CPU per GB', value: median(({ receiver }) => receiver), unit: 's' },
        ],
        bound: 'one system call for each datagram at either end',
      },
      sealing(),
    ]
  } finally {
    left.kill()
    right.kill()
  }
}

interface Round {
  readonly mbits: number
  readonly sender: number
  readonly receiver: number
}

async function oneRound(left: ChildProcess, right: ChildProcess, to: string): Promise<Round> {
  const [l0, r0] = [await tell(left, { usage: true }), await tell(right, { usage: true })]
  const l1 = await tell(left, { send: ROUND_MS, to })
  const r1 = await tell(right, { usage: true })
  const received = r1.bytes - r0.bytes
  return {
    mbits: (received * 8) / 1000 / (r1.atMs - r0.atMs),
    sender: ((l1.cpuMs - l0.cpuMs) / 1000 / received) * GB,
    receiver: ((r1.cpuMs - r0.cpuMs) / 1000 / received) * GB,
  }
}

function sealing(): Row {
  const aead = createAead(new Uint8Array(32).fill(1))
  const nonce = new Uint8Array(12)
  const nothing = new Uint8Array()
  const packet = new Uint8Array(PACKET)
  const sealed = aead.seal(nonce, nothing, packet)
  return {
    area: 'tunnel',
    what: 'ChaCha20-Poly1305, 1,400 bytes',
    figures: [
      { name: 'seal', value: microsEach(400, () => aead.seal(nonce, nothing, packet)), unit: 'us' },
      { name: 'open', value: microsEach(400, () => aead.open(nonce, nothing, sealed)), unit: 'us' },
    ],
    bound: 'libsodium, one call for a packet',
  }
}

function startEnd(address: string): ChildProcess {
  return fork(new URL('tunnel-process.ts', import.meta.url).pathname, [address])
}

async function tell(child: ChildProcess, order: TunnelOrder): Promise<TunnelUsage> {
  child.send(order)
  return await nextMessage<TunnelUsage>(child)
}

async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, 'message')) as [T]
  return message
}
