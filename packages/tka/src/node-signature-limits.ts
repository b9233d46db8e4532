// SPDX-License-Identifier: Apache-2.0

/**
 * Limits of node-key signatures.
 *
 * @module
 */

/**
 * Bytes of one encoded node-key signature; checked before anything is decoded. Sixteen levels,
 * each with a wrapping key of its own, come to less than 2.5 KiB, so this leaves room for what
 * nobody makes yet, and bounds what a lying server can make us parse for each peer.
 */
export const MAX_NODE_SIGNATURE_BYTES = 8192

/** Levels of one signature, the outermost counted: what the decoder's depth limit allows. */
export const MAX_NODE_SIGNATURE_LEVELS = 16
