// SPDX-License-Identifier: Apache-2.0

/**
 * Datagrams between addresses in one process, on a fake clock. A rule decides what becomes of each
 * datagram, so that loss, duplicates, reordering and moving peers are written down, not waited for.
 *
 * @module
 */

import type { FakeClock } from './fake-clock.ts'

/** One datagram on its way. */
export interface Flight {
  readonly datagram: Uint8Array
  readonly from: string
  readonly to: string
  /** Position among all datagrams sent through the network, from 0. */
  readonly sequence: number
}

/**
 * Says when copies of a datagram arrive, in milliseconds from now: `[]` loses it, `[1]` delivers it,
 * `[1, 50]` delivers it twice.
 */
export type FlightRule = (flight: Flight) => readonly number[]

/** One address on the network. */
export interface MemorySocket {
  readonly address: string
  send(datagram: Uint8Array, to: string): void
  onDatagram(handler: (datagram: Uint8Array, from: string) => void): void
  /** Where others may reach this socket: its address. */
  localEndpoints(): string[]
  /** Takes another address, as a laptop that changes networks does. */
  move(address: string): void
  close(): void
}

/** A network without hardware. */
export interface MemoryNetwork {
  /** Opens a socket; what is sent to an address without one is lost. */
  open(address: string): MemorySocket
  /** Replaces the rule; without one everything arrives after a millisecond. */
  setRule(rule: FlightRule | null): void
  /** Everything that was sent, in order, lost or not. */
  readonly sent: readonly Flight[]
  /** Forgets what was sent so far. */
  clearSent(): void
}

const LATENCY: readonly number[] = [1]

/** Returns an empty network. */
export function createMemoryNetwork(clock: FakeClock): MemoryNetwork {
  const handlers = new Map<string, (datagram: Uint8Array, from: string) => void>()
  const sent: Flight[] = []
  let rule: FlightRule | null = null
  let sequence = 0

  return {
    sent,
    clearSent: () => void sent.splice(0),
    setRule(next) {
      rule = next
    },
    open(address) {
      let current = address
      let handler: (datagram: Uint8Array, from: string) => void = () => {}
      const listen = (datagram: Uint8Array, from: string): void => handler(datagram, from)
      handlers.set(current, listen)
      return {
        get address() {
          return current
        },
        send(datagram, to) {
          const flight = { datagram, from: current, to, sequence: sequence++ }
          sent.push(flight)
          for (const delay of rule?.(flight) ?? LATENCY) {
            // Each copy has its own bytes, as on a real network.
            clock.schedule(delay, () => handlers.get(to)?.(datagram.slice(), flight.from))
          }
        },
        onDatagram(next) {
          handler = next
        },
        localEndpoints: () => [current],
        move(next) {
          handlers.delete(current)
          current = next
          handlers.set(current, listen)
        },
        close: () => void handlers.delete(current),
      }
    },
  }
}
