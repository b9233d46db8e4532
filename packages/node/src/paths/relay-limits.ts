// SPDX-License-Identifier: Apache-2.0

/**
 * Bounds and times of relays and of paths, each with its reason.
 *
 * @module
 */

/** From the first packet of the network to the relay's own introduction; official limit. */
export const CONNECT_MS = 10_000

/** A relay says something every minute; official clients give up after as long. */
export const SILENCE_MS = 120_000

/** A connection that lasted this long worked; the next failure is a first one. */
export const STEADY_MS = 5_000

/** First wait before a relay is dialled again; it grows with the square of the failures, to 30 s. */
export const RETRY_STEP_MS = 250

/** A relay that announces its restart may ask for no more patience than this. */
export const MAX_RESTART_MS = 30_000

/** Connections other than that to the home are closed when nothing was sent or came for so long. */
export const IDLE_MS = 60_000

/** Packets that wait for a connection; then the oldest has to go. As many as official clients keep. */
export const MAX_WAITING_PACKETS = 32

/** Connections at once: a server could name a region of its own for each peer. */
export const MAX_LINES = 16

/** Relays of one region that are tried, in turn. */
export const MAX_TARGETS = 8

/** Regions that are measured, and for how long: what is farther away is no home. */
export const MAX_MEASURED = 64
export const MEASURE_MS = 1_500

/** Failures in a row after which another region is looked for as a home. */
export const HOME_FAILURES = 4

/** How long an answer proves that a path works; official. */
export const TRUST_MS = 6_500

/** How often a path in use is asked whether it still works; official. */
export const HEARTBEAT_MS = 3_000

/** How often all paths to a peer are tried; official. */
export const ROUND_MS = 5_000

/** How often a peer may have us ask at the endpoints that it names: they could be those of somebody else. */
export const CALLED_MS = 2_000

/** Endpoints that a peer may name at once. */
export const MAX_CALLED = 16

/** Addresses that questions of a peer came from and that are asked in turn. */
export const MAX_SEEN = 8

/** How much faster another direct path has to answer to be taken instead of one that works. */
export const MUCH_FASTER = 0.7
