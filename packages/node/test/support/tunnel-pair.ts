// SPDX-License-Identifier: Apache-2.0

/**
 * Tunnels on a memory network with a fake clock, and peers as the gate would make them.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { nodePrivateFromBytes, type NodePrivate, nodePublicOf } from '@signet/keys'
import {
  createFakeClock,
  createMemoryNetwork,
  type FakeClock,
  type MemoryNetwork,
  type MemorySocket,
} from '@signet/testkit'
import type { AdmittedPeer } from '../../src/lock/gate.ts'
import type { PacketGuard } from '../../src/tunnel/filtering.ts'
import { createMemoryDriver, type MemoryDriver } from '../../src/tunnel/memory-driver.ts'
import { createTunnel, type Tunnel } from '../../src/tunnel/tunnel.ts'

/** Returns a private key that is the same in every run. */
export function keyOf(name: string): NodePrivate {
  return nodePrivateFromBytes(createHash('sha256').update(name).digest())
}

/** Lets everything pass: what the tunnel does by itself. */
export const OPEN: PacketGuard = { admits: () => true, sends: () => true }

/** Returns a peer with the brand that only the gate gives outside of tests. */
export function admittedPeer(
  input: Omit<
    AdmittedPeer,
    'id' | 'stableId' | 'discoKey' | 'homeRelay' | keyof { [key: symbol]: true }
  > &
    Partial<Pick<AdmittedPeer, 'discoKey' | 'homeRelay'>>,
): AdmittedPeer {
  return { id: 1, stableId: 'n1', discoKey: '', homeRelay: 0, ...input } as AdmittedPeer
}

/** One node, as far as the tunnel goes. */
export interface TunnelParty {
  readonly key: NodePrivate
  readonly ip4: string
  readonly ip6: string
  readonly tunnel: Tunnel
  readonly driver: MemoryDriver
  readonly socket: MemorySocket
  /** This node as a peer of another. */
  peer(changes?: Partial<AdmittedPeer>): AdmittedPeer
}

/** A world in which nodes live. */
export interface TunnelWorld {
  readonly clock: FakeClock
  readonly network: MemoryNetwork
  party(name: string, number: number, filter?: PacketGuard): TunnelParty
}

/** Returns an empty world. */
export function createTunnelWorld(): TunnelWorld {
  const clock = createFakeClock()
  const network = createMemoryNetwork(clock)
  return {
    clock,
    network,
    party(name, number, filter = OPEN) {
      const key = keyOf(name)
      const ip4 = `100.64.0.${number}`
      const ip6 = `fd7a:115c:a1e0::${number}`
      const socket = network.open(`192.0.2.${number}:41641`)
      const driver = createMemoryDriver()
      const addresses = [`${ip4}/32`, `${ip6}/128`]
      const tunnel = createTunnel({
        nodeKey: key,
        addresses,
        driver,
        udp: socket,
        filter,
        clock,
      })
      return {
        key,
        ip4,
        ip6,
        tunnel,
        driver,
        socket,
        peer: (changes) => ({
          ...admittedPeer({
            name,
            nodeKey: nodePublicOf(key),
            allowedIps: addresses,
            endpoints: [socket.address],
          }),
          ...changes,
        }),
      }
    },
  }
}

/** Returns two nodes that admitted each other. */
export function createTunnelPair(): TunnelWorld & {
  readonly a: TunnelParty
  readonly b: TunnelParty
} {
  const world = createTunnelWorld()
  const a = world.party('a', 1)
  const b = world.party('b', 2)
  a.tunnel.setPeers([b.peer()])
  b.tunnel.setPeers([a.peer()])
  return { ...world, a, b }
}

/** Moves the clock until a promise is settled; returns what it gave. */
export async function settleWith<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  const state = { settled: false }
  const marked = promise.finally(() => {
    state.settled = true
  })
  marked.catch(() => {})
  for (let i = 0; i < 10_000 && !state.settled; i++) await clock.advanceAsync(i < 100 ? 1 : 100)
  return await marked
}
