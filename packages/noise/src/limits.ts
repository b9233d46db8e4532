// SPDX-License-Identifier: Apache-2.0

/**
 * Sizes of messages on the control connection.
 *
 * @module
 */

/** Length of a tag that authenticates a ciphertext. */
export const TAG_LENGTH = 16

/** Type and length before every message but the initiation. */
export const HEADER_LENGTH = 3

/** Length of a whole initiation: version, header, ephemeral key, machine key, tag. */
export const INITIATION_LENGTH = 101

/** Length of a whole response: header, ephemeral key, tag. */
export const RESPONSE_LENGTH = 51

/** Longest record on the wire, header included; official peers treat more as fatal. */
export const MAX_RECORD = 4096

/** Most plaintext in one record. */
export const MAX_RECORD_PLAINTEXT: number = MAX_RECORD - HEADER_LENGTH - TAG_LENGTH

/** Longest early payload; the official client reads no more than 10 MiB. */
export const MAX_EARLY_PAYLOAD: number = 10 * 1024 * 1024
