// SPDX-License-Identifier: Apache-2.0

/**
 * An IP endpoint in the process: needs no rights, answers echo requests as a kernel would, and lets
 * whoever embeds the node send and see packets.
 *
 * @module
 */

import { encodeIcmpEcho, parseIcmpEcho } from './icmp.ts'
import { IpProtocol, parseIpPacket, protocolOf } from './packet.ts'
import type { TunDriver } from './tun-driver.ts'

/** What went through a driver. */
export interface DriverCounters {
  readonly rxPackets: number
  readonly rxBytes: number
  readonly txPackets: number
  readonly txBytes: number
}

/** See the module comment. */
export interface MemoryDriver extends TunDriver {
  /** Sends a packet as if a program on this node had; the bytes must not be changed afterwards. */
  send(packet: Uint8Array): void
  /** Sees every packet for this node that is not an echo request; returns a function to stop. */
  onReceive(listener: (packet: Uint8Array) => void): () => void
  counters(): DriverCounters
}

/** Returns a driver; packets sent before a tunnel uses it are lost. */
export function createMemoryDriver(): MemoryDriver {
  let handler: (packet: Uint8Array) => void = () => {}
  const listeners = new Set<(packet: Uint8Array) => void>()
  const counters = { rxPackets: 0, rxBytes: 0, txPackets: 0, txBytes: 0 }

  function send(packet: Uint8Array): void {
    counters.txPackets += 1
    counters.txBytes += packet.length
    handler(packet)
  }

  return {
    write(packet) {
      counters.rxPackets += 1
      counters.rxBytes += packet.length
      const reply = answerEcho(packet)
      if (reply !== null) send(reply)
      else for (const listener of listeners) listener(packet)
    },
    onPacket(next) {
      handler = next
    },
    send,
    onReceive(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    counters: () => ({ ...counters }),
    close() {
      handler = () => {}
      listeners.clear()
    },
  }
}

/** Returns the reply to an echo request, or null when the packet is something else. */
function answerEcho(bytes: Uint8Array): Uint8Array | null {
  const protocol = protocolOf(bytes)
  if (protocol !== IpProtocol.Icmp && protocol !== IpProtocol.Icmpv6) return null
  const packet = parseIpPacket(bytes)
  const echo = packet && parseIcmpEcho(packet)
  if (packet === null || echo === null || echo.kind !== 'request') return null
  return encodeIcmpEcho(packet.destination, packet.source, { ...echo, kind: 'reply' })
}
