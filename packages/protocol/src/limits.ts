// SPDX-License-Identifier: Apache-2.0

/**
 * Bounds on what a peer may make us do.
 *
 * @module
 */

/**
 * Deepest nesting of objects and lists in one message. The deepest real message (a map response
 * with capability arguments) stays below 12; the official decoder allows 10,000, but a recursive
 * reader must stop long before the stack does.
 */
export const MAX_JSON_DEPTH = 64

/**
 * Longest map frame on the wire and after decompression. The official client has no bound of its
 * own; 10,000 peers are about 12 MiB.
 */
export const MAX_MAP_FRAME: number = 64 * 1024 * 1024

/**
 * Most peers, users, filter chunks or messages in one network map: a server could otherwise fill
 * the node's memory with a stream of small changes.
 */
export const MAX_NETMAP_ENTRIES = 200_000
