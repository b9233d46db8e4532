// SPDX-License-Identifier: Apache-2.0

/**
 * Nodes with a tunnel over relays on loopback, and over a network in memory where UDP is let through.
 *
 * @module
 */

import { createHash, randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { discoPrivateFromBytes, discoPublicOf, nodePublicOf, type NodePublic } from '@signet/keys'
import type { Clock } from '../../src/clock.ts'
import { systemClock } from '../../src/clock.ts'
import { createEngine, type Engine } from '../../src/engine.ts'
import type { AdmittedPeer } from '../../src/lock/gate.ts'
import { silentLog } from '../../src/log.ts'
import type { Datagrams } from '../../src/paths/datagrams.ts'
import { createPaths, type Paths } from '../../src/paths/paths.ts'
import { createRelayDialer, type RelayDialer } from '../../src/paths/relay-dial.ts'
import { createMemoryDriver } from '../../src/tunnel/memory-driver.ts'
import { admittedPeer, keyOf } from './tunnel-pair.ts'

export type RelayParty = {
  readonly nodeKey: NodePublic
  readonly ip: string
  readonly engine: Engine
  readonly paths: Paths
  readonly udp: MemoryUdp
  /** This node as a peer of another. */
  peer(change?: Partial<AdmittedPeer>): AdmittedPeer
}

/** UDP in memory, that may be let through or not. */
export type MemoryUdp = Datagrams & {
  readonly sent: { readonly datagram: Uint8Array; readonly endpoint: string }[]
}

/** A network without hardware or delay. */
export type UdpWorld = {
  isOpen: boolean
  open(address: string): MemoryUdp
}

export function createUdpWorld(): UdpWorld {
  const handlers = new Map<string, (datagram: Uint8Array, from: string) => void>()
  const world: UdpWorld = {
    isOpen: true,
    open(address) {
      const sent: { datagram: Uint8Array; endpoint: string }[] = []
      return {
        sent,
        send(datagram, endpoint) {
          sent.push({ datagram, endpoint })
          if (!world.isOpen) return
          setImmediate(() => handlers.get(endpoint)?.(Uint8Array.from(datagram), address))
        },
        onDatagram: (handler) => void handlers.set(address, handler),
        localEndpoints: () => [address],
      }
    },
  }
  return world
}

export function relayParty(
  t: TestContext,
  name: string,
  n: number,
  world: UdpWorld,
  options: { clock?: Clock; dialer?: RelayDialer; onHome?: () => void } = {},
): RelayParty {
  const { clock = systemClock, dialer = createRelayDialer(), onHome = () => {} } = options
  const key = keyOf(name)
  const nodeKey = nodePublicOf(key)
  const discoKey = discoPrivateFromBytes(createHash('sha256').update(`disco ${name}`).digest())
  const address = `192.0.2.${n}:41641`
  const udp = world.open(address)
  const ip = `100.64.0.${n}`
  const paths = createPaths({
    udp,
    discoKey,
    dialer,
    clock,
    random: () => 0,
    randomBytes: (length) => Uint8Array.from(randomBytes(length)),
    log: silentLog,
    onHome,
  })
  const engine = createEngine({ udp: paths, createDriver: createMemoryDriver })
  engine.setSelf([`${ip}/32`])
  engine.setFilter({
    addresses: [`${ip}/32`],
    peers: [],
    rules: [{ SrcIPs: ['*'], DstPorts: [{ IP: '*', Ports: { First: 0, Last: 65_535 } }] }],
    shieldsUp: false,
  })
  engine.setKey(key)
  t.after(() => engine.stop())
  return {
    nodeKey,
    ip,
    engine,
    paths,
    udp,
    peer: (change) => ({
      ...admittedPeer({
        name,
        nodeKey,
        allowedIps: [`${ip}/32`],
        endpoints: [address],
        discoKey: discoPublicOf(discoKey),
        homeRelay: 900,
      }),
      ...change,
    }),
  }
}
