// SPDX-License-Identifier: Apache-2.0

/**
 * Limits of the Tailnet Key Authority. The first group is protocol: who counts otherwise ends up
 * on another chain. The second is what official software can still read, and does not bind us.
 *
 * @module
 */

/** Trusted keys in a checkpoint, and the most that our own builder will make. */
export const MAX_KEYS = 512

/** Disablement values in a checkpoint. */
export const MAX_DISABLEMENT_VALUES = 32

/** Length of a disablement value: the output of the key derivation. */
export const DISABLEMENT_LENGTH = 32

/** UTF-8 bytes of all names and values of a key's metadata, so that updates stay small. */
export const MAX_META_BYTES = 512

/** Votes of one key. The least is 1. */
export const MAX_VOTES = 4096n

/** Updates between two checkpoints, at most, when our own builder makes them. */
export const CHECKPOINT_EVERY = 50

/** Updates behind the head that compaction never forgets. */
export const COMPACTION_MIN_CHAIN = 24

/** How long compaction keeps every update, in milliseconds: 14 days. */
export const COMPACTION_MIN_AGE: number = 14 * 24 * 60 * 60 * 1000

/**
 * Links that official software follows when it opens a store, computes a state or answers an offer.
 * A longer stored chain locks it out; ours opens.
 */
export const OFFICIAL_SCAN_LIMIT = 2000

/** Updates that official software walks back when it makes an offer or looks for another's head. */
export const OFFICIAL_HEAD_WALK = 1000
