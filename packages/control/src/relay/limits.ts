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
/** Of these, from one IPv4 address or IPv6 /64: a whole office may come back at once. */
export const MAX_STRANGERS_PER_ADDRESS: number = 50
/** A message of a WebSocket: the largest frame that a client sends, which introduces it, with its header. */
export const MAX_RELAY_MESSAGE: number = (256 << 10) + 5
/** Keep-alives: clients give up after 120 s of silence. */
export const RELAY_KEEP_ALIVE_MS: number = 60_000
export const RELAY_KEEP_ALIVE_JITTER_MS: number = 5_000
/**
 * A client that has not taken what was written for so long is disconnected. Node writes all that it holds back
 * as one, so this is for 256 KiB, not for one packet as in official relays (2 s): 25 kB/s are enough.
 */
export const WRITE_DEADLINE_MS: number = 10_000
/** The same for another relay of the region: on it hang all clients there. As in official relays. */
export const MESH_WRITE_DEADLINE_MS: number = 30_000
/** How often it is looked for clients whose node was removed, has expired or has another key. */
export const RECHECK_MS: number = 30_000
/** A key that its node has replaced may still be used for so long: until the node has connected with the new one. */
export const REPLACED_KEY_GRACE_MS: number = 60_000

/** Clients that are told of a restart come back spread over this time, and try for a while. */
export const RESTART_SPREAD_MS: number = 5_000
export const RESTART_TRY_MS: number = 60_000

/** Another relay has to answer the upgrade, and introduce itself, within this time. */
export const MESH_CONNECT_DEADLINE_MS: number = 10_000
/** Another relay that says nothing for so long is gone: it sends a keep-alive every minute. */
export const MESH_SILENCE_MS: number = 120_000
/** First and longest wait before another relay is dialled again; each is cut by up to a half at random. */
export const MESH_RETRY_MIN_MS: number = 1_000
export const MESH_RETRY_MAX_MS: number = 60_000

/** Questions of outside relays whether a client may connect: a key and an address, 200 bytes. */
export const MAX_VERIFY_BYTES: number = 4_096
/** Such questions under way at once. */
export const MAX_VERIFY_QUESTIONS: number = 100
/** Such a question must be complete within this time. */
export const VERIFY_DEADLINE_MS: number = 10_000

/** A map of outside relays, as text: the largest public one has 30 KiB. Every node gets it. */
export const MAX_MAP_BYTES: number = 256 << 10
/**
 * Characters in YAML that may mean something to it: some 7 µs each, all at once. A hundred regions of three relays have
 * 7,000; who has more uses JSON, which costs next to nothing.
 */
export const MAX_YAML_MARKS: number = 10_000
export const MAX_MAP_REGIONS: number = 256
export const MAX_MAP_NODES_PER_REGION: number = 32
/** A map from a URL must have arrived within this time. */
export const MAP_FETCH_DEADLINE_MS: number = 30_000
/** First wait after a failed fetch; twice as long each time, up to the interval of refreshes. */
export const MAP_RETRY_MS: number = 60_000
/** How often it is looked whether a map's file has changed. */
export const MAP_FILE_POLL_MS: number = 10_000
