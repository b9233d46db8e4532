// SPDX-License-Identifier: Apache-2.0

/**
 * Sizes and bounds of the relay protocol.
 *
 * @module
 */

/** Type and big-endian length before every payload. */
export const FRAME_HEADER_LENGTH = 5

/** A raw public key. */
export const KEY_LENGTH = 32

/** The nonce before every box. */
export const NONCE_LENGTH = 24

/** Longest packet that is relayed. */
export const MAX_PACKET: number = 64 * 1024

/** Longest frame payload that a client reads, known type or not; more is a broken stream. */
export const MAX_CLIENT_FRAME: number = 1024 * 1024

/** Longest greeting of a relay: 40 bytes today, the rest is room for later versions. */
export const MAX_GREETING = 1024

/** Longest payload in which a client introduces itself. */
export const MAX_CLIENT_INFO: number = 256 * 1024

/** Longest box in which a relay introduces itself; official clients read as much. */
export const MAX_SERVER_INFO: number = NONCE_LENGTH + 1024 * 1024

/** What a ping carries, and has echoed. */
export const PING_LENGTH = 8

/** Longest ping that a relay reads: eight bytes, and room for later versions. */
export const MAX_PING = 1000

/** Packets that wait for one client, of each kind; then the oldest has to go. */
export const QUEUE_LENGTH = 32

/**
 * Bytes that a transport may hold back before packets wait in queues instead, where the oldest are
 * dropped. Enough for a fast connection between two turns of the event loop.
 */
export const MAX_BACKLOG: number = 256 * 1024

/** Notices that wait for one client: one for every peer of a large region, and some. */
export const MAX_NOTICES = 65_536

/** Connections of one key: a few networks at once, and some that are dead and not noticed yet. */
export const MAX_CONNECTIONS_PER_KEY = 16

/** Answers of "not here" to one client, per second and at once: it may be asked in a storm. */
export const NOT_HERE_PER_SECOND = 1
export const NOT_HERE_BURST = 3

/** Least that a client under a rate may send at once: the longest packet, and to whom it goes. */
export const MIN_RATE_BURST: number = MAX_PACKET + KEY_LENGTH

/** Clients of another relay that are remembered; it has the mesh key, but may still have a fault. */
export const MAX_LINK_PEERS = 262_144

/** A STUN request: clients send 40 bytes. Its checksum is over all of it, whoever sends it. */
export const MAX_STUN_REQUEST = 256
