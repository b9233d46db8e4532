// SPDX-License-Identifier: Apache-2.0

/**
 * Every number of the protocol and every bound of this implementation, with its reason.
 * WireGuard paper, sections 5.4 (messages), 6.1-6.5 (timers); the flood bounds are our own.
 *
 * @module
 */

/** A key pair older than this is replaced by its initiator before it sends more. */
export const REKEY_AFTER_MS = 120_000

/** A key pair older than this neither seals nor opens. */
export const REJECT_AFTER_MS = 180_000

/** How long a handshake is retried before the packets that wait for it are given up. */
export const REKEY_ATTEMPT_MS = 90_000

/** Shortest time between two initiations to a peer, and the wait for an answer. */
export const REKEY_TIMEOUT_MS = 5_000

/** Upper end of the random delay added to retries, so that two sides that collide part again. */
export const REKEY_JITTER_MS = 334

/** After receiving data and sending nothing for this long, an empty packet is sent. */
export const KEEPALIVE_TIMEOUT_MS = 10_000

/** After sending data and hearing nothing for this long, a new handshake starts. */
export const NEW_HANDSHAKE_MS: number = KEEPALIVE_TIMEOUT_MS + REKEY_TIMEOUT_MS

/**
 * Age at which the initiator of a key pair that only *receives* starts a new handshake: late, so
 * that a sender gets the chance first, but early enough that a one-way flow never hits the end.
 */
export const REKEY_ON_RECEIVE_MS: number = REJECT_AFTER_MS - KEEPALIVE_TIMEOUT_MS - REKEY_TIMEOUT_MS

/** Without a new session for this long, all key material of a peer is wiped. */
export const ZERO_KEYS_MS: number = 3 * REJECT_AFTER_MS

/** Retries after the first initiation: `REKEY_ATTEMPT_MS / REKEY_TIMEOUT_MS`. */
export const MAX_HANDSHAKE_RETRIES: number = REKEY_ATTEMPT_MS / REKEY_TIMEOUT_MS

/**
 * High word of 2^60, the number of messages after which a key pair is replaced. Counters are held
 * as two 32-bit words because a JavaScript number counts exactly only to 2^53.
 */
export const REKEY_AFTER_MESSAGES_HIGH = 0x1000_0000

/** Messages one key pair may carry are 2^64 - 2^13 - 1: high and low word of that limit. */
export const REJECT_AFTER_MESSAGES_HIGH = 0xffff_ffff
/** Low word of the limit above. */
export const REJECT_AFTER_MESSAGES_LOW = 0xffff_dfff

/** How far behind the newest counter a packet may arrive. */
export const REPLAY_WINDOW = 8128

/** Sealed content is padded with zeros to a multiple of this, to blur lengths. */
export const PADDING_MULTIPLE = 16

/** Largest content that the official implementation carries in one message. */
export const MAX_CONTENT_SIZE = 65_495

/** A cookie, and the secret it is made from, lives this long. */
export const COOKIE_LIFETIME_MS = 120_000

/** Initiations of one peer closer together than this are dropped. */
export const INITIATION_INTERVAL_MS = 20

/** Once under load, a device stays under load for this long after the last sign of it. */
export const UNDER_LOAD_MS = 1_000

/**
 * Handshake messages in one second from which on a device is under load. Answering one takes five
 * curve operations, about half a millisecond, so this is about a tenth of one core.
 */
export const UNDER_LOAD_HANDSHAKES_PER_SECOND = 200

/** Handshakes per second that one source address may ask for under load. */
export const SOURCE_RATE_PER_SECOND = 20
/** Handshakes that one source address may ask for at once under load. */
export const SOURCE_BURST = 5
/** Source addresses remembered by the limiter: bounds memory under a spoofed flood. */
export const MAX_LIMITED_SOURCES = 4_096

/** Packets that wait for a handshake, per peer; the oldest goes first when it is full. */
export const MAX_STAGED_PACKETS = 64

/** Candidate addresses that one initiation is sent to. */
export const MAX_CANDIDATE_ENDPOINTS = 8
