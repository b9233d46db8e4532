// SPDX-License-Identifier: Apache-2.0

/**
 * The outer side of a tunnel: how sealed datagrams reach other nodes.
 *
 * @module
 */

import type { NodePublic } from '@signet/keys'

/**
 * Carries datagrams between endpoints; an endpoint is `ADDRESS:PORT` or `[ADDRESS]:PORT`, or a node key
 * by way of relays (see `relay-endpoint.ts`).
 */
export interface Datagrams {
  /**
   * Sends a datagram, or drops it as a network may; the bytes belong to the callee. Who knows a better
   * path to the peer it is for may take that.
   */
  send(datagram: Uint8Array, endpoint: string, peer?: NodePublic): void
  /** Sets who takes datagrams that arrive. */
  onDatagram(handler: (datagram: Uint8Array, endpoint: string) => void): void
  /** Where other nodes may reach this one, likeliest first. */
  localEndpoints(): string[]
  /** Whether datagrams pile up; one who can wait should. */
  isCongested?(): boolean
}
