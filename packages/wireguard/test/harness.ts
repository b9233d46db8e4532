// SPDX-License-Identifier: Apache-2.0

/**
 * Two devices on a memory network with a fake clock, and packets for them to carry.
 *
 * @module
 */

import { x25519PublicKey } from '@signet/crypto'
import { type NodePublic, nodePublicFromBytes } from '@signet/keys'
import {
  createFakeClock,
  createMemoryNetwork,
  type FakeClock,
  type MemoryNetwork,
  type MemorySocket,
} from '@signet/testkit'
import { type LocalIdentity } from '../src/handshake.ts'
import {
  createDevice,
  type Device,
  parseIp,
  parsePrefix,
  type PeerConfig,
  type WireguardErrorCode,
} from '../src/index.ts'

/** Returns the identity of a private key. */
export function localFrom(privateKey: Uint8Array): LocalIdentity {
  return { privateKey, publicKey: x25519PublicKey(privateKey) }
}

/** Returns a generator of bytes that is the same in every run: xorshift32. */
export function createSeededRandom(seed: number): (length: number) => Uint8Array {
  let state = seed * 2_654_435_761 || 1
  return (length) =>
    Uint8Array.from({ length }, () => {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      return state & 0xff
    })
}

/** One device with its socket and what it delivered. */
export interface Party {
  readonly name: string
  readonly key: NodePublic
  readonly ip: string
  readonly device: Device
  readonly socket: MemorySocket
  readonly delivered: Uint8Array[]
  /** How other parties configure this one. */
  config(changes?: Partial<PeerConfig>): PeerConfig
  /** Sends a packet whose payload is `text` to an inner address. */
  say(text: string, to: Party): NodePublic | null
  /** Payloads delivered so far, as text. */
  heard(): string[]
  dropped(code: WireguardErrorCode): number
}

/** A world in which devices live. */
export interface World {
  readonly clock: FakeClock
  readonly network: MemoryNetwork
  party(name: string, number: number, options?: PartyOptions): Party
}

/** Settings of one device. */
export interface PartyOptions {
  readonly underLoadHandshakesPerSecond?: number
  readonly privateKey?: Uint8Array
}

/** Returns an empty world. */
export function createWorld(): World {
  const clock = createFakeClock()
  const network = createMemoryNetwork(clock)
  return {
    clock,
    network,
    party: (name, number, options = {}) => createParty(clock, network, name, number, options),
  }
}

/** Returns two devices that know each other. */
export function createPair(): World & { readonly a: Party; readonly b: Party } {
  const world = createWorld()
  const a = world.party('a', 1)
  const b = world.party('b', 2)
  a.device.setPeers([b.config()])
  b.device.setPeers([a.config()])
  return { ...world, a, b }
}

function createParty(
  clock: FakeClock,
  network: MemoryNetwork,
  name: string,
  number: number,
  options: PartyOptions,
): Party {
  const { privateKey = createSeededRandom(number)(32), ...limits } = options
  const ip = `100.64.0.${number}`
  const socket = network.open(`192.0.2.${number}:41641`)
  const delivered: Uint8Array[] = []
  let cancel = (): void => {}
  const device = createDevice({
    privateKey,
    now: clock.now,
    random: createSeededRandom(number + 1000),
    effects: {
      send: (datagram, endpoint) => socket.send(datagram, endpoint),
      deliver: (packet) => void delivered.push(packet.slice()),
      wakeAt(deadline) {
        cancel()
        cancel = clock.schedule(deadline - clock.now(), () => device.tick())
      },
    },
    ...limits,
  })
  socket.onDatagram((datagram, from) => device.receive(datagram, from))
  const key = nodePublicFromBytes(device.publicKey)
  return {
    name,
    key,
    ip,
    device,
    socket,
    delivered,
    config: (changes) => ({
      key,
      allowedIps: [parsePrefix(ip)],
      endpoints: [socket.address],
      ...changes,
    }),
    say: (text, to) => device.sendPacket(ipv4Packet(ip, to.ip, text)),
    heard: () => delivered.map((packet) => new TextDecoder().decode(packet.subarray(20))),
    dropped: (code) => device.dropped().get(code) ?? 0,
  }
}

/** Returns an IPv4 packet with only the fields that WireGuard looks at. */
export function ipv4Packet(from: string, to: string, text: string): Uint8Array {
  const payload = new TextEncoder().encode(text)
  const packet = new Uint8Array(20 + payload.length)
  packet[0] = 0x45
  packet[2] = packet.length >>> 8
  packet[3] = packet.length
  packet.set(parseIp(from) ?? [], 12)
  packet.set(parseIp(to) ?? [], 16)
  packet.set(payload, 20)
  return packet
}
