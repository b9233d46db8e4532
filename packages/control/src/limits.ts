// SPDX-License-Identifier: Apache-2.0

/**
 * Every bound of the server, with its reason.
 *
 * @module
 */

/** Bodies of register, map and most lock calls: far above what clients send (a few KiB). */
export const MAX_BODY_BYTES: number = 1 << 20
/** Bodies that may carry a whole chain or a signature for every node. */
export const MAX_LARGE_BODY_BYTES: number = 10 << 20
/** Replies of the lock calls above which official clients cut off. */
export const MAX_LARGE_REPLY_BYTES: number = 10 << 20
export const MAX_REPLY_BYTES: number = 1 << 20

/** Bodies of a machine that has no node here: a registration has a few KiB, its host information at most 32. */
export const MAX_STRANGER_BODY_BYTES: number = 64 << 10
/** Bodies of all such machines that are under way at once: 64 MiB together. */
export const MAX_STRANGER_BODIES: number = 1_024
/** Bodies of one machine that are under way at once, by what they may become, and answers it has not read. */
export const MAX_BODY_BYTES_PER_MACHINE: number = 64 << 20

/** Answers that are not counted against that: there are as many of them as a connection has streams. */
export const SMALL_ANSWER_BYTES: number = 64 << 10
/** A control connection of a machine that has no node here is closed after this long without one. */
export const STRANGER_CONNECTION_MS: number = 120_000

/** A request body must be complete within this time of its headers. */
export const BODY_DEADLINE_MS: number = 30_000
/** Plain HTTP request headers must be complete within this time. */
export const HEADERS_DEADLINE_MS: number = 10_000
/** From the upgrade until the HTTP/2 preface: nothing about the caller is known before. */
export const HANDSHAKE_DEADLINE_MS: number = 10_000
/** How long a client that was refused before it said who it is may take to read why. */
export const REFUSED_LINGER_MS: number = 1_000
/** A TLS handshake must be complete within this time of the connection. */
export const TLS_HANDSHAKE_DEADLINE_MS: number = 10_000
/** TLS handshakes under way at once: each holds some 50 KiB, before anything of a caller is known. */
export const MAX_TLS_HANDSHAKES: number = 4_096
/** How often it is looked for connections that are past their deadline. */
export const EXPIRY_CHECK_MS: number = 2_500
/** How often certificate files are looked at. Whoever renews them may also send SIGHUP. */
export const CERTIFICATE_POLL_MS: number = 30_000
/** A certificate in files that is not renewed by then is one that nobody renews; said once a day. */
export const CERTIFICATE_WARN_MS: number = 7 * 24 * 60 * 60_000
export const CERTIFICATE_WARN_AGAIN_MS: number = 24 * 60 * 60_000
/** A message of a WebSocket with a control connection inside: many records of 4 KiB at most. */
export const MAX_CONTROL_MESSAGE: number = 64 << 10
/** A message of a WebSocket that we send: official clients end at one past 32 KiB. */
export const MAX_SENT_MESSAGE: number = 32 << 10
/** Pieces in which a message may come: each costs more than its bytes. */
export const MAX_WEBSOCKET_FRAGMENTS: number = 256
/** How long the answer to `/bootstrap-dns` is kept: strangers must not make us ask a name server at will. */
export const BOOTSTRAP_DNS_KEEP_MS: number = 10 * 60_000
/** One request to a certificate authority. */
export const ACME_REQUEST_MS: number = 30_000
/** One attempt to get a certificate: the authority looks from several places. */
export const ACME_ATTEMPT_MS: number = 10 * 60_000
/** An answer of a certificate authority: a chain has some 6 KiB. */
export const MAX_ACME_ANSWER: number = 256 << 10
/** Between two questions whether the authority is done, if it does not say; and at most, if it does. */
export const ACME_POLL_MS: number = 2_000
export const MAX_ACME_WAIT_MS: number = 60_000
export const MAX_ACME_POLLS: number = 60
/** After a failure, doubled with each: Let's Encrypt allows five failed proofs of a name in an hour. */
export const ACME_RETRY_MIN_MS: number = 5 * 60_000
export const ACME_RETRY_MAX_MS: number = 6 * 60 * 60_000
/** How often it is looked whether a renewal is due. */
export const ACME_CHECK_MS: number = 12 * 60 * 60_000
/** Names in one certificate: the limit of Let's Encrypt. */
export const MAX_ACME_DOMAINS: number = 100
/**
 * Control connections of one machine: clients have one or two, and some that broke and are not known to have. One more
 * ends the oldest, so that one machine cannot take the places of all.
 */
export const MAX_CONNECTIONS_PER_MACHINE: number = 32
/** All control connections. A node under lock holds two. */
export const MAX_CONNECTIONS: number = 60_000

/** Registrations of one machine in a minute: thirteen in five seconds were seen of a client that met errors. */
export const REGISTRATIONS_PER_MINUTE: number = 120
/** Interactive logins of one machine in a minute: each is a person who typed something, or a client that starts. */
export const LOGINS_PER_MINUTE: number = 30
/** Interactive logins from one address of machines that have no node here, in a minute: an office that moves in. */
export const STRANGER_LOGINS_PER_MINUTE: number = 60
/** Interactive logins of such machines that are remembered at once; each has at most some 12 KiB. */
export const MAX_STRANGER_LOGINS: number = 1_000
/** Followups of one login that wait at once: one, and another whose connection broke unseen. */
export const MAX_FOLLOWUPS: number = 2
/** An interactive login that nobody decides is forgotten, and so is an approval that the machine does not fetch. */
export const LOGIN_MS: number = 60 * 60_000
/** What was decided is remembered: the answer may be lost on its way, and clients repeat a denied followup. */
export const DECIDED_LOGIN_MS: number = 10 * 60_000

/**
 * Map requests of one machine in a minute: a client reports when its network changes. Each report goes to all its peers.
 */
export const MAP_REQUESTS_PER_MINUTE: number = 3_000
/** What a request costs of that whose answer is the whole network: 10 ms and 1 MB for 2,000 nodes. */
export const WHOLE_MAP_COST: number = 25
/** Actions of its user that a machine reports in a minute: each is a line in the log. */
export const AUDIT_LOGS_PER_MINUTE: number = 60

/** The oldest capability version that is served (client release 1.80). */
export const MIN_CAPABILITY_VERSION: number = 113
/**
 * The largest number that every client can read. Routers read numbers of 32 bits; a message with a larger one is none to
 * them, so what one node says of itself would take the whole map from others.
 */
export const MAX_CLIENT_INT: number = 2 ** 31 - 1
/** Regions of relays: clients put the number into a port. */
export const MAX_RELAY_REGION: number = 65_535
/** The last moment that has a year of four digits: clients read no other. */
export const MAX_WIRE_TIME_MS: number = Date.UTC(9999, 11, 31, 23, 59, 59)

/** Keep-alives: clients give up after 120 s of silence. */
export const KEEP_ALIVE_MIN_MS: number = 50_000
export const KEEP_ALIVE_JITTER_MS: number = 9_000
/** A client that has not read a pending frame for this long is disconnected. */
export const STALLED_CLIENT_MS: number = 120_000
/** A client that has its first frame on the way for this long no longer counts as busy reading. */
export const UNREAD_PATIENCE_MS: number = 10_000
/** A node is shown offline only this long after its last session ended. */
export const OFFLINE_GRACE_MS: number = 10_000
/** After a server start, nodes that were connected before have this long to come back. */
export const RESTART_GRACE_MS: number = 60_000
/** An ephemeral node is removed this long after it went offline, unless configured otherwise. */
export const EPHEMERAL_GRACE_MS: number = 5 * 60_000

/** Endpoints of one node: clients report a handful; the rest would only be noise for its peers. */
export const MAX_ENDPOINTS: number = 64
/** Host information of one node, as JSON text. */
export const MAX_HOSTINFO_BYTES: number = 32 << 10
/** Tags of one node or key. */
export const MAX_TAGS: number = 32

/** Node-key signatures: 15 previous keys fit into about 3 KiB. */
export const MAX_SIGNATURE_BYTES: number = 8 << 10
/**
 * Length of one chain, its beginning counted. Official clients cannot open a longer one: a new client keeps all of
 * it for two weeks, and after a restart it is without the lock.
 */
export const MAX_CHAIN_LENGTH: number = 2_000
/** From this length on only removals and checkpoints are taken: a stolen key can be taken out at any time. */
export const MAX_GROWING_CHAIN_LENGTH: number = 1_900
/** From this length on administrators are warned. */
export const WARN_CHAIN_LENGTH: number = 1_500
/**
 * Stored updates of one lock, those on branches that lost counted: a thief with a trusted key could go on for ever.
 * What moves the head is taken all the same, so that the branches of a thief keep nobody from taking the key out.
 */
export const MAX_STORED_UPDATES: number = 3 * MAX_CHAIN_LENGTH
/** Updates in one sync/send: a node may bring back a whole chain that was lost with an old backup. */
export const MAX_UPDATES_PER_REQUEST: number = MAX_CHAIN_LENGTH
/** Hashes in a sync offer: one per checkpoint, so one per 50 updates. */
export const MAX_OFFER_ANCESTORS: number = 4_096
/** A pending initialisation that is not finished expires. */
export const PENDING_INIT_MS: number = 10 * 60_000
/** Previous node keys that are remembered per node. */
export const MAX_PREVIOUS_KEYS: number = 16
/**
 * Lock calls of one machine per minute, which is also how many it may make at once. Clients ask for a bootstrap at
 * most once for each frame, and for an offer and a sending once for each change of the head; `lock remove` brings one
 * signature for each node of a key, about 4,000 at most. The others are started by people.
 */
export const MAX_LOCK_CALLS_PER_MINUTE = {
  initBegin: 20,
  initFinish: 60,
  bootstrap: 120,
  syncOffer: 240,
  syncSend: 240,
  disable: 60,
  sign: 6_000,
  affectedSigs: 600,
} as const
/** A call counts once for each beginning of so many bytes in its body: those take time to read. */
export const LOCK_CALL_BYTES: number = 256 << 10
/**
 * Of those sendings, the ones with updates that the server does not have: a script that adds keys one by one. One
 * with many updates counts as several, one for each {@link NEW_UPDATES_PER_CALL}.
 */
export const MAX_NEW_UPDATE_CALLS_PER_MINUTE: number = 120
/** A whole chain of valid updates takes about a second to check: three of them a minute. */
export const NEW_UPDATES_PER_CALL: number = 50

/** Entries of one list in the DNS settings: each goes to every node. */
export const MAX_DNS_ENTRIES: number = 1_000
/** A policy file: far above what people write, and read by hand. */
export const MAX_POLICY_BYTES: number = 1 << 20
/** Bodies of requests that are answered in a line. */
export const MAX_ODD_BODY_BYTES: number = 64 << 10
/** Questions to nodes that wait at once: each is asked by an administrator. */
export const MAX_NODE_CALLS: number = 64
/** How long a node may take to answer a question: clients give their own handlers a minute, and pings 10 s. */
export const NODE_CALL_MS: number = 30_000
/** Answers of nodes: the netmap of 2,000 nodes has a few MiB. */
export const MAX_NODE_ANSWER_BYTES: number = 16 << 20
