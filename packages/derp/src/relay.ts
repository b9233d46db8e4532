// SPDX-License-Identifier: Apache-2.0

/**
 * The relay: who is connected, and what goes to whom. Sans-I/O: bytes come in by
 * {@link RelayConnection.receive}, go out by a {@link RelayTransport}, and the clock is passed in.
 *
 *     greeting ->            the relay's key
 *     <- client info         the client's key, and the proof that it is its own
 *     server info ->
 *     <- packets, pings      to other clients, by key
 *     packets, notices ->
 *
 * A key may be connected several times, as when a laptop changes networks and the relay has not
 * noticed that the old connection is dead. All are kept; the one that spoke last receives.
 *
 * Relays of one region share a mesh key. Each connects to every other by a {@link MeshLink}, is told
 * there who is connected, and hands over packets for clients that it does not have itself.
 *
 * @module
 */

import type { DerpMeshKey, NodePrivate, NodePublic } from '@signet/keys'
import { Hub } from './hub.ts'
import type { RelayTransport } from './outbox.ts'

/** What a relay is made of. */
export interface RelayOptions {
  readonly serverKey: NodePrivate
  /** Shared by the relays of a region; without one nobody is privileged. */
  readonly meshKey?: DerpMeshKey | undefined
  /** Says why a client may not use this relay; undefined if it may. Not asked about mesh clients. */
  readonly refusal: (key: NodePublic) => string | undefined
  readonly now: () => number
  /** Returns 24 random bytes. */
  readonly nonce: () => Uint8Array
  /** How fast each client may send; as fast as it can, without one. Not for mesh clients. */
  readonly rate?: RelayRate | undefined
}

/** How fast a client may send. */
export interface RelayRate {
  readonly bytesPerSecond: number
  /** What it may send at once; at least one packet of full length counts. */
  readonly burst: number
  /** Clients that are told keep to it by themselves, and lose packets rather than time. */
  readonly advertise: boolean
}

/** Where a client connects from. */
export interface RelayOrigin {
  /** 16 bytes; IPv4 addresses mapped. */
  readonly address: Uint8Array
  readonly port: number
  /** It said that it would rather be at another relay of the region. */
  readonly isNotIdeal?: boolean | undefined
}

/** One connection, admitted or not yet. */
export interface RelayConnection {
  /** The client's key; undefined until it has proved it and was admitted. */
  readonly key: NodePublic | undefined
  /** The client is a relay of the region. */
  readonly isMesh: boolean
  /** Packets that were lost because this client did not read. */
  readonly dropped: number
  /**
   * Takes the next bytes from the client. The chunk becomes the relay's: packets go out from where
   * they lie in it, with the header changed. Returns for how many milliseconds nothing more is to be
   * read from this client: 0, unless it sent more than its rate.
   *
   * @throws DerpError then the caller closes the transport and calls `closed`
   */
  receive(chunk: Uint8Array): number
  /** The transport takes bytes again. */
  drain(): void
  /** Sends a keep-alive; to be called about once a minute. */
  keepAlive(): void
  /** The transport is closed. */
  closed(): void
}

/** This relay as a client of another one of its region. */
export interface MeshLink {
  /** The other relay's key; undefined until it has greeted. */
  readonly serverKey: NodePublic | undefined
  /** It has answered our introduction. */
  readonly isReady: boolean
  /** Keys that are connected there. */
  readonly size: number
  /** Packets that were lost because the other relay did not read. */
  readonly dropped: number
  /**
   * Takes the next bytes from the other relay.
   *
   * @throws DerpError `own-relay` if this is no other; then, as after all others, the caller closes the
   * transport and calls `closed`
   */
  receive(chunk: Uint8Array): void
  drain(): void
  /** The transport is closed: nobody is reached by this link any more. */
  closed(): void
}

/** What a relay has done since it was made. */
export interface RelayCounters {
  /** Packets from clients, and bytes of them. */
  readonly packets: number
  readonly bytes: number
  /** Packets handed over to other relays, and taken from them. */
  readonly forwarded: number
  readonly fromMesh: number
  /** Packets lost: the receiver did not read, nobody has the key, or the receiver went away meanwhile. */
  readonly droppedQueueFull: number
  readonly droppedUnknown: number
  readonly droppedGone: number
}

/** A relay. */
export interface Relay {
  readonly publicKey: NodePublic
  /** Keys that are connected here. */
  readonly size: number
  /** Keys that are connected at another relay of the region and not here. */
  readonly remoteSize: number
  readonly counters: RelayCounters
  /** Greets a client. Anything may be done before it is admitted but waiting: set a deadline. */
  accept(transport: RelayTransport, origin: RelayOrigin): RelayConnection
  /**
   * Takes part in the region by a connection to another relay.
   *
   * @throws DerpError `not-permitted` without a mesh key
   */
  link(transport: RelayTransport): MeshLink
  /** Closes the connections of clients that may not stay. */
  recheck(mayStay?: (key: NodePublic) => boolean): void
  /**
   * Tells every client that the relay is about to restart: when to come back, asked for each so that they
   * do not all come at once, and how long to try.
   */
  announceRestart(reconnectInMs: () => number, tryForMs: number): void
}

/** Returns a relay without connections. */
export function createRelay(options: RelayOptions): Relay {
  return new Hub(options)
}
