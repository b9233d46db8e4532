// SPDX-License-Identifier: Apache-2.0

/**
 * Limits of CBOR items. They are the official decoder's, so they are part of the protocol: a
 * message that one member refuses every member has to refuse, or their chains part.
 *
 * @module
 */

/** Containers inside each other, the outermost counted as 1. Bounds the stack. */
export const MAX_CBOR_DEPTH = 16

/** Elements of one array, judged by its head, before anything is allocated. */
export const MAX_CBOR_ARRAY = 4096

/** Pairs of one map, judged by its head, before anything is allocated. */
export const MAX_CBOR_MAP = 1024
