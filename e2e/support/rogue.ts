// SPDX-License-Identifier: Apache-2.0

/**
 * The node that the server slips in: it has a WireGuard device of its own, and knocks.
 *
 * @module
 */

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { fromHex } from '@signet/codec'
import {
  generateNodeKey,
  nodePublicOf,
  privateKeyText,
  type NodePrivate,
  type NodePublic,
} from '@signet/keys'
import type { ControlNode } from '@signet/protocol'
import { createDevice, parsePrefix, type Device } from '@signet/wireguard'
import type { Victim } from './lying-tailnet.ts'

export interface Rogue extends AsyncDisposable {
  readonly nodeKey: NodePublic
  readonly privateKey: NodePrivate
  /** How the server presents it: complete, and unsigned. */
  readonly described: ControlNode
  /** Datagrams that came back since the last knock. */
  answers(): number
  /** Packets that came back through the tunnel since the last knock. */
  delivered(): number
  /**
   * Sends a WireGuard initiation and a packet to the victim, waits until `sign` of life from the victim that is
   * surely later, and returns how many datagrams came back.
   */
  knock(
    victim: Pick<Victim, 'udp' | 'ip' | 'nodeKey'>,
    signOfLife: () => Promise<unknown>,
  ): Promise<number>
}

/** What a rogue has of somebody else: a node key, an address. */
export interface RogueIdentity {
  readonly privateKey?: NodePrivate
  readonly ip?: string
}

/** Creates a rogue with a UDP socket on loopback. */
export async function createRogue(id = 666, stolen: RogueIdentity = {}): Promise<Rogue> {
  const privateKey = stolen.privateKey ?? generateNodeKey()
  const nodeKey = nodePublicOf(privateKey)
  const socket: Socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const ip = stolen.ip ?? `100.66.6.${id % 250}`
  const described: ControlNode = {
    ID: id,
    StableID: `nRogue${id}`,
    Name: `rogue-${id}.default.signet.internal.`,
    User: 1,
    Key: nodeKey,
    Addresses: [`${ip}/32`],
    AllowedIPs: [`${ip}/32`],
    Endpoints: [`127.0.0.1:${socket.address().port}`],
    MachineAuthorized: true,
    Online: true,
  }
  let answers = 0
  let delivered = 0
  let device: Device | undefined
  socket.on('message', (datagram, { address, port }) => {
    answers++
    device?.receive(datagram, `${address}:${port}`)
  })
  return {
    nodeKey,
    privateKey,
    described,
    answers: () => answers,
    delivered: () => delivered,
    async knock(victim, signOfLife) {
      answers = 0
      delivered = 0
      const [host = '', port = ''] = victim.udp.split(':')
      const sent: Promise<void>[] = []
      device = createDevice({
        privateKey: fromHex(privateKeyText(privateKey).slice('privkey:'.length)),
        now: Date.now,
        random: (length) => randomBytes(length),
        effects: {
          send(datagram) {
            sent.push(
              new Promise((resolve, reject) => {
                socket.send(datagram, Number(port), host, (error) =>
                  error ? reject(error) : resolve(),
                )
              }),
            )
          },
          deliver: () => void delivered++,
        },
      })
      const allowedIps = [parsePrefix(`${victim.ip}/32`)]
      device.setPeers([{ key: victim.nodeKey, allowedIps, endpoints: [victim.udp] }])
      device.sendPacket(echoRequest(ip, victim.ip))
      await Promise.all(sent)
      if (sent.length === 0) throw new Error('The rogue did not knock')
      await signOfLife()
      device.close()
      device = undefined
      return answers
    },
    [Symbol.asyncDispose]: async () => {
      socket.close()
      await once(socket, 'close')
    },
  }
}

/** An IPv4 header that is good enough to be routed into the tunnel. */
function echoRequest(from: string, to: string): Uint8Array {
  const packet = new Uint8Array(28)
  packet.set([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0])
  packet.set(from.split('.').map(Number), 12)
  packet.set(to.split('.').map(Number), 16)
  packet.set([8, 0, 0xf7, 0xff], 20)
  let sum = 0
  for (let i = 0; i < 20; i += 2) sum += ((packet[i] ?? 0) << 8) | (packet[i + 1] ?? 0)
  sum = (sum & 0xffff) + (sum >> 16)
  const checksum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff
  packet.set([checksum >> 8, checksum & 255], 10)
  return packet
}
