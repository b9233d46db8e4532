// SPDX-License-Identifier: Apache-2.0

/**
 * Every bound of the embedded relay, with its reason. Frames and queues have theirs in `@signet/derp`.
 *
 * @module
 */

/** From the upgrade until a client has proved its key: nothing is known about it before. */
export const ADMISSION_DEADLINE_MS: number = 10_000
/** Clients that have not proved their key. Each may make the server keep 256 KiB. */
export const MAX_STRANGERS: number = 500
/** Keep-alives: clients give up after 120 s of silence. */
export const RELAY_KEEP_ALIVE_MS: number = 60_000
export const RELAY_KEEP_ALIVE_JITTER_MS: number = 5_000
/**
 * A client that has not taken what was written for so long is disconnected. Node writes all that it holds back
 * as one, so this is for 256 KiB, not for one packet as in official relays (2 s): 25 kB/s are enough.
 */
export const WRITE_DEADLINE_MS: number = 10_000
/** How often it is looked for clients whose node was removed, has expired or has another key. */
export const RECHECK_MS: number = 30_000
