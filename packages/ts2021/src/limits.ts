// SPDX-License-Identifier: Apache-2.0

/**
 * Bounds of a control connection.
 *
 * @module
 */

/**
 * Streams that a client may have open at once on one connection. Official clients need one long
 * poll and a handful of calls; below about 100 they may stall.
 */
export const MAX_CONCURRENT_STREAMS = 256

/** Header fields of one request, in number and in bytes: real ones have about ten, below 1 KiB. */
export const MAX_HEADER_PAIRS = 64

/** Size of all header fields of one request. */
export const MAX_HEADER_BYTES: number = 16 * 1024

/** Most of the answer to `GET /key` that is read, as official clients do. */
export const MAX_KEY_RESPONSE: number = 64 * 1024

/** Most of an error text in answer to an upgrade that is read. */
export const MAX_ERROR_TEXT = 1024

/** Longest early payload that the client takes. A real one has about 100 bytes. */
export const MAX_EARLY_BYTES: number = 64 * 1024

/** How long the client waits for connection and handshake, in milliseconds. */
export const DIAL_TIMEOUT = 10_000

/** How long the server waits after the handshake for the start of HTTP/2, in milliseconds. */
export const PREFACE_TIMEOUT = 10_000

/** Quiet time on a connection after which the kernel asks whether the peer is still there. */
export const KEEP_ALIVE_DELAY = 30_000

/** How long a refused client may take to read why, in milliseconds. */
export const LINGER = 1000

/**
 * Frames of HTTP/2 that say nothing and still cost something (resets, pings, settings, empty ones): so many at
 * once, and so many a second in the long run. A client that cancels every request of a busy hour stays far below.
 */
export const MAX_NUISANCE = 1000

/** How fast that is forgiven. */
export const NUISANCE_PER_SECOND = 33

/** Opening a window by less is such a frame, too: each makes us send as little. Real clients open it by thousands. */
export const MIN_WINDOW_STEP = 1024

/** Answers to such frames that a client may leave unread. A body stops long before, by its back-pressure. */
export const MAX_UNREAD_BYTES: number = 512 * 1024

/** Between an answer to a request that is not whole and the reset that ends the request, in milliseconds. */
export const RESET_DELAY = 50
