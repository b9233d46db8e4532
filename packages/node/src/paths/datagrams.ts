// SPDX-License-Identifier: Apache-2.0

/**
 * The outer side of a tunnel: how sealed datagrams reach other nodes.
 *
 * @module
 */

/** Carries datagrams between endpoints; an endpoint is `ADDRESS:PORT` or `[ADDRESS]:PORT`. */
export interface Datagrams {
  /** Sends a datagram, or drops it as a network may; the bytes belong to the callee. */
  send(datagram: Uint8Array, endpoint: string): void
  /** Sets who takes datagrams that arrive. */
  onDatagram(handler: (datagram: Uint8Array, endpoint: string) => void): void
  /** Where other nodes may reach this one, likeliest first. */
  localEndpoints(): string[]
  /** Whether datagrams pile up; one who can wait should. */
  isCongested?(): boolean
}
