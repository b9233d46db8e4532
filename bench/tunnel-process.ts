// SPDX-License-Identifier: Apache-2.0

/**
 * One end of a tunnel, in a process of its own: `tunnel-process.ts ADDRESS`. The other end's key and
 * endpoint come by message; `{ send: MS }` has it send as fast as it can, any other message is
 * answered with what has come through so far.
 *
 * @module
 */

import { generateNodeKey, nodePublicOf, type NodePublic } from '@signet/keys'
import type { ControlNode } from '@signet/protocol'
import { createGate } from '../packages/node/src/lock/gate.ts'
import { createVerdictCache } from '../packages/node/src/lock/verdicts.ts'
import { openUdp } from '../packages/node/src/paths/udp.ts'
import { createFiltering } from '../packages/node/src/tunnel/filtering.ts'
import { createMemoryDriver } from '../packages/node/src/tunnel/memory-driver.ts'
import { encodeIpPacket } from '../packages/node/src/tunnel/packet.ts'
import { createTunnel, TUNNEL_MTU } from '../packages/node/src/tunnel/tunnel.ts'

/** Where one end is. */
export interface TunnelEnd {
  readonly address: string
  readonly nodeKey: NodePublic
  readonly endpoints: readonly string[]
}

/** What one end has done. */
export interface TunnelUsage {
  readonly cpuMs: number
  readonly bytes: number
  readonly atMs: number
}

/** What one end is told. */
export type TunnelOrder =
  | { readonly peer: TunnelEnd }
  | { readonly send: number; readonly to: string }
  | { readonly usage: true }

const address = process.argv[2] ?? ''
const nodeKey = generateNodeKey()
const udp = await openUdp({ bind: '127.0.0.1' })
const driver = createMemoryDriver()
// As in a node whose network has no policy.
const filter = createFiltering()
const ports = { First: 0, Last: 65_535 }
const rules = [{ SrcIPs: ['*'], DstPorts: [{ IP: '*', Ports: ports }] }]
filter.update({ addresses: [`${address}/32`], peers: [], rules, shieldsUp: false })
const tunnel = createTunnel({ nodeKey, addresses: [address], driver, udp, filter })
const gate = createGate(createVerdictCache())
let bytes = 0
driver.onReceive((packet) => {
  bytes += packet.length
})
process.send?.({
  address,
  nodeKey: nodePublicOf(nodeKey),
  endpoints: tunnel.localEndpoints(),
} satisfies TunnelEnd)

process.on('message', (order: TunnelOrder) => {
  void (async () => {
    if ('peer' in order) await admit(order.peer)
    else if ('send' in order) await sendFor(order.send, order.to)
    process.send?.(usage())
  })()
})

function usage(): TunnelUsage {
  const { user, system } = process.cpuUsage()
  return { cpuMs: (user + system) / 1000, bytes, atMs: Date.now() }
}

/** Peers come by the gate here too; without a lock it lets everybody in. */
async function admit(end: TunnelEnd): Promise<void> {
  const node = {
    ID: 2,
    StableID: 'n2',
    Name: 'other.',
    Key: end.nodeKey,
    Addresses: [`${end.address}/32`],
    Endpoints: end.endpoints,
  } as unknown as ControlNode
  const lock = { kind: 'open' } as const
  const { admitted } = await gate.judge({ self: null, peers: [node], lock, acceptRoutes: false })
  tunnel.setPeers(admitted)
}

async function sendFor(ms: number, to: string): Promise<void> {
  await tunnel.ping(to, 'TSMP', 5_000)
  const packet = encodeIpPacket({
    protocol: 17,
    source: addressBytes(address),
    destination: addressBytes(to),
    payload: new Uint8Array(TUNNEL_MTU - 20),
  })
  const end = performance.now() + ms
  while (performance.now() < end) {
    for (let i = 0; i < 32; i++) if (!tunnel.sendRaw(packet)) break
    // Sockets are written and read between two turns.
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
  }
}

function addressBytes(text: string): Uint8Array {
  return Uint8Array.from(text.split('.'), Number)
}
