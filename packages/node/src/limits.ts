// SPDX-License-Identifier: Apache-2.0

/**
 * Every bound of the node in one place, each with its reason.
 *
 * @module
 */

/** Official watchdog: a server sends something at least once a minute. */
export const mapSilenceMs = 120_000

/** A map stream that lasted this long worked; the next failure is a first one. */
export const steadyStreamMs = 5_000

/** First wait before a server is asked again that answers for a person who has done nothing. */
export const followupStepMs = 250

/** Official time limit of one call to the server. */
export const callMs = 60_000

/** Official read limits of replies: 10 MiB where a reply carries a list of updates or nodes. */
export const maxListReplyBytes: number = 10 * 1024 * 1024

/** Official read limit of all other replies. */
export const maxReplyBytes: number = 1024 * 1024

/** A longer address is none that a person opens, and it is sent back to the server each time. */
export const maxVisitChars = 2_048

/** What of an error reply is shown to the user. */
export const maxErrorTextChars = 200

/** Cached signature verdicts: four signatures for each of 25,000 peers. */
export const maxVerdicts = 100_000

/** Remembered replaced keys: ten rotations of each of 10,000 peers. */
export const maxRememberedRotations = 100_000

/** Signatures that are read and hashed between two turns of the event loop: some milliseconds. */
export const verdictSlice = 128

/**
 * Exact signature checks for one map, about 4 ms each. Honest signatures need none; a server that
 * sends garbage costs us a quarter of a second, once for each piece of garbage.
 */
export const maxExactChecks = 64

/** Updates looked at in one reply of the server; 10 MiB hold about this many small ones. */
export const maxUpdatesPerReply = 20_000

/**
 * Updates in one reply with a wrong signature, or that would undo history, after which the rest is not looked at:
 * each may cost an exact check of 4 ms, or a second look at the chain, some times over. An honest server sends none.
 */
export const maxForgedUpdates = 8

/** How long after a failure of the gate itself (a full disk) it is tried again. */
export const gateRetryMs = 5_000

/** A head that differs from the server's for this long is an alarm. */
export const headAlarmMs: number = 10 * 60_000

/** How long a node that hears of a new lock waits for it before it shuts its gate. */
export const enablingGraceMs = 10_000

/** Keys behind signatures whose names are shared: as many as a state can trust. */
export const maxKnownSigners = 512
