// SPDX-License-Identifier: Apache-2.0

/**
 * One peer: its handshakes, its key pairs, its timers. WireGuard paper, sections 5.1, 6.1 to 6.6.
 *
 * - A handshake that we began (`pending`) and one that they began live side by side: when both
 *   sides ask at once, both handshakes finish, and each side opens what the other seals.
 * - The endpoint follows the last message that proves a live sender: a response, or a transport
 *   message. An initiation does not prove that, it may be an old one that never arrived; it is
 *   answered where it came from, and what is sealed with the new keys then moves the endpoint.
 *
 * Everything a peer causes goes through its {@link PeerHost}; sending and delivering come last in
 * each step, so that the host may call back.
 *
 * @module
 */

import { compareBytes } from '@signet/codec'
import { type NodePublic, nodePublicBytes } from '@signet/keys'
import { CookieJar } from './cookie.ts'
import {
  createInitiation,
  createResponse,
  type LocalIdentity,
  type OpenedInitiation,
  type PendingInitiation,
  readResponse,
  type RemoteIdentity,
  staticSecret,
  verifyInitiation,
  wipePending,
} from './handshake.ts'
import {
  INITIATION_INTERVAL_MS,
  MAX_CANDIDATE_ENDPOINTS,
  MAX_HANDSHAKE_RETRIES,
  MAX_STAGED_PACKETS,
  REKEY_TIMEOUT_MS,
} from './limits.ts'
import { KEY_SIZE, readUint32 } from './message.ts'
import { Sessions } from './sessions.ts'
import { PeerTimers, type TimerName } from './timers.ts'
import { Session } from './transport.ts'
import { WireguardError } from './wireguard-error.ts'

const EMPTY = new Uint8Array(0)
const LONG_AGO = Number.NEGATIVE_INFINITY

/** What a peer needs from its device. */
export interface PeerHost {
  readonly local: LocalIdentity
  readonly mtu: number
  now(): number
  random(length: number): Uint8Array
  /** Returns a number from 0 to 1, for jitter. */
  jitter(): number
  timestamp(): Uint8Array
  transmit(datagram: Uint8Array, endpoint: string, peer: NodePublic): void
  /** Reserves an index by which received messages find the peer. */
  reserveIndex(peer: Peer): number
  releaseIndex(index: number): void
  /** Asks for a tick at this moment. */
  wakeAt(peer: Peer, deadline: number): void
}

/** What is shown about a peer. */
export interface PeerStatus {
  readonly endpoint: string | null
  readonly rxBytes: number
  readonly txBytes: number
  /** When the last session was confirmed; null when there was none. */
  readonly lastHandshake: number | null
  /** Whether packets can be sent right now without a handshake. */
  readonly hasSession: boolean
}

/** The state machine of one peer. Made and driven by a device. */
export class Peer {
  readonly key: NodePublic
  readonly #host: PeerHost
  readonly #timers: PeerTimers
  readonly #sessions: Sessions
  readonly #presharedKey: Uint8Array
  #remote: RemoteIdentity | null = null
  #cookies: CookieJar | null = null

  #pending: PendingInitiation | null = null
  #pendingMessage: Uint8Array = EMPTY

  #endpoint: string | null = null
  #candidates: readonly string[] = []
  #staged: Uint8Array[] = []

  #retries = 0
  #rekeyAskedOnReceive = false
  #lastHandshakeSent = LONG_AGO
  #lastInitiationReceived = LONG_AGO
  #latestTimestamp: Uint8Array

  #rxBytes = 0
  #txBytes = 0
  #lastHandshake: number | null = null

  constructor(input: {
    readonly key: NodePublic
    /** All zeros when there is none. */
    readonly presharedKey: Uint8Array
    /** Initiations must be newer than this. */
    readonly latestTimestamp: Uint8Array
    readonly host: PeerHost
  }) {
    this.key = input.key
    this.#presharedKey = input.presharedKey
    this.#latestTimestamp = input.latestTimestamp
    this.#host = input.host
    this.#timers = new PeerTimers(() => input.host.jitter())
    this.#sessions = new Sessions((index) => input.host.releaseIndex(index))
  }

  get endpoint(): string | null {
    return this.#endpoint
  }

  status(): PeerStatus {
    return {
      endpoint: this.#endpoint,
      rxBytes: this.#rxBytes,
      txBytes: this.#txBytes,
      lastHandshake: this.#lastHandshake,
      hasSession: this.#sendingSession(this.#host.now()) !== null,
    }
  }

  /**
   * Sets the addresses where the peer may be. A handshake that is under way goes to those that are
   * new at once; a session that works keeps its endpoint.
   */
  setCandidates(endpoints: readonly string[]): void {
    const before = this.#candidates
    this.#candidates = [...new Set(endpoints)].slice(0, MAX_CANDIDATE_ENDPOINTS)
    if (this.#pending === null) return
    for (const endpoint of this.#candidates) {
      if (!before.includes(endpoint) && endpoint !== this.#endpoint) {
        this.#transmit(this.#pendingMessage, endpoint)
      }
    }
  }

  /** Seals and sends a packet, or keeps it and starts a handshake. The packet is not copied. */
  sendPacket(packet: Uint8Array): void {
    const now = this.#host.now()
    const session = this.#sendingSession(now)
    if (session !== null) {
      this.#sendSealed(session, packet, now)
      return
    }
    if (this.#staged.length >= MAX_STAGED_PACKETS) this.#staged.shift()
    this.#staged.push(packet)
    this.#initiate(now, { isRetry: false })
  }

  /**
   * Answers an initiation whose static key is this peer's.
   *
   * @throws WireguardError `not-decryptable`, `low-order-point`, `stale-timestamp`,
   * `initiation-flood`.
   */
  acceptInitiation(opened: OpenedInitiation, endpoint: string, size: number): void {
    const now = this.#host.now()
    const { staticSecret } = this.#remoteIdentity()
    const initiation = verifyInitiation(opened, staticSecret)
    if (compareBytes(initiation.timestamp, this.#latestTimestamp) <= 0) {
      throw new WireguardError('stale-timestamp', 'Cannot accept initiation: it is not newer')
    }
    if (now - this.#lastInitiationReceived < INITIATION_INTERVAL_MS) {
      throw new WireguardError('initiation-flood', 'Cannot accept initiation: too soon')
    }
    const localIndex = this.#host.reserveIndex(this)
    const ephemeral = this.#host.random(KEY_SIZE)
    const { message, keys, state } = createResponse({
      initiation,
      presharedKey: this.#presharedKey,
      localIndex,
      ephemeral,
    })
    ephemeral.fill(0)
    state.wipe()

    this.#latestTimestamp = initiation.timestamp
    this.#lastInitiationReceived = now
    this.#lastHandshakeSent = now
    this.#sessions.addUnconfirmed(
      new Session({ keys, localIndex, isInitiator: false, createdAt: now }),
    )
    this.#rxBytes += size
    this.#timers.anythingReceived()
    this.#timers.sessionMade(now)
    this.#timers.anythingSent()
    this.#jar().complete(message, now)
    this.#wake()
    this.#transmit(message, endpoint)
  }

  /**
   * Takes the answer to our initiation.
   *
   * @throws WireguardError `unknown-index`, `not-decryptable`, `low-order-point`.
   */
  acceptResponse(message: Uint8Array, endpoint: string): void {
    const pending = this.#pending
    if (pending === null || pending.localIndex !== readUint32(message, 8)) {
      throw new WireguardError('unknown-index', 'Cannot accept response: nothing was asked')
    }
    const now = this.#host.now()
    const { keys, state } = readResponse(this.#host.local, pending, this.#presharedKey, message)
    state.wipe()
    wipePending(pending)
    this.#pending = null
    this.#pendingMessage = EMPTY

    // The index moves from the handshake to the session.
    const { localIndex } = pending
    const session = new Session({ keys, localIndex, isInitiator: true, createdAt: now })
    this.#sessions.addConfirmed(session)
    this.#heardFrom(endpoint, message.length)
    this.#timers.sessionMade(now)
    this.#confirmed(now)
    this.#flush(session, now, { atLeastOne: true })
  }

  /**
   * Opens a transport message and returns its padded content, empty for a keepalive.
   *
   * @throws WireguardError `unknown-index`, `session-expired`, `not-decryptable`,
   * `replayed-counter`.
   */
  acceptTransport(message: Uint8Array, endpoint: string): Uint8Array {
    const now = this.#host.now()
    const session = this.#sessions.find(readUint32(message, 4))
    if (session === null) {
      throw new WireguardError('unknown-index', 'Cannot open packet: no such session')
    }
    if (!session.isUsable(now)) {
      throw new WireguardError('session-expired', 'Cannot open packet: the session is too old')
    }
    const content = session.open(message)

    this.#heardFrom(endpoint, message.length)
    if (content.length > 0) this.#timers.dataReceived(now)
    if (this.#sessions.confirm(session)) {
      this.#confirmed(now)
      this.#flush(session, now, { atLeastOne: false })
    } else if (
      session === this.#sessions.current &&
      !this.#rekeyAskedOnReceive &&
      session.needsRekeyAfterReceiving(now)
    ) {
      this.#rekeyAskedOnReceive = true
      this.#initiate(now, { isRetry: false })
    }
    this.#wake()
    return content
  }

  /**
   * Keeps the cookie for the next handshake message.
   *
   * @throws WireguardError `unexpected-cookie`, `not-decryptable`.
   */
  acceptCookie(reply: Uint8Array): void {
    this.#jar().accept(reply, this.#host.now())
  }

  /** Serves every timer that is due; returns the next deadline. */
  tick(now: number): number {
    for (let due = this.#timers.takeDue(now); due !== null; due = this.#timers.takeDue(now)) {
      this.#serve(due, now)
    }
    return this.#timers.next()
  }

  /** Forgets all sessions and handshakes, and the endpoint; waiting packets start a new one. */
  restart(): void {
    this.#wipe()
    this.#timers.clear()
    this.#lastHandshakeSent = LONG_AGO
    this.#endpoint = null
    if (this.#staged.length > 0) this.#initiate(this.#host.now(), { isRetry: false })
  }

  /** Makes a new session at once, at every endpoint, and keeps the one there is until then. */
  renew(): void {
    if (this.#remote === null) return
    this.#lastHandshakeSent = LONG_AGO
    this.#initiate(this.#host.now(), { isRetry: false, everywhere: true })
  }

  /** Forgets everything; the peer must not be used again. */
  close(): void {
    this.#wipe()
    this.#timers.clear()
    this.#staged = []
    this.#remote?.staticSecret.fill(0)
    this.#remote = null
  }

  #serve(timer: TimerName, now: number): void {
    switch (timer) {
      case 'retransmit':
        if (this.#retries >= MAX_HANDSHAKE_RETRIES) {
          this.#dropPending()
          this.#staged = []
          this.#timers.handshakeGivenUp(now)
        } else {
          this.#retries += 1
          this.#initiate(now, { isRetry: true })
        }
        return
      case 'keepalive':
        this.#sendKeepalive(now)
        return
      case 'silence':
        this.#initiate(now, { isRetry: false, everywhere: true })
        return
      case 'wipe':
        this.#wipe()
        this.#staged = []
    }
  }

  /** Sends an initiation unless one, or a response, was sent within the last five seconds. */
  #initiate(
    now: number,
    options: { readonly isRetry: boolean; readonly everywhere?: boolean },
  ): void {
    if (!options.isRetry) this.#retries = 0
    if (now - this.#lastHandshakeSent < REKEY_TIMEOUT_MS) {
      this.#timers.initiationPutOff(this.#lastHandshakeSent + REKEY_TIMEOUT_MS)
      this.#wake()
      return
    }
    this.#lastHandshakeSent = now
    this.#dropPending()
    const localIndex = this.#host.reserveIndex(this)
    try {
      const { message, pending } = createInitiation({
        local: this.#host.local,
        remote: this.#remoteIdentity(),
        localIndex,
        ephemeral: this.#host.random(KEY_SIZE),
        timestamp: this.#host.timestamp(),
      })
      this.#pending = pending
      this.#pendingMessage = message
    } catch (error) {
      // A peer with such a key cannot be reached at all; what waits for it is dropped.
      if (!(error instanceof WireguardError && error.code === 'low-order-point')) throw error
      this.#host.releaseIndex(localIndex)
      this.#staged = []
      return
    }
    this.#jar().complete(this.#pendingMessage, now)
    this.#timers.anythingSent()
    this.#timers.initiationSent(now)
    this.#wake()
    const message = this.#pendingMessage
    const hasPath = this.#sessions.current?.isUsable(now) === true && this.#endpoint !== null
    const everywhere = options.isRetry || options.everywhere === true || !hasPath
    for (const endpoint of this.#targets(everywhere)) this.#transmit(message, endpoint)
  }

  /** Where an initiation goes: the endpoint alone while it works, else all candidates too. */
  #targets(everywhere: boolean): readonly string[] {
    const known = this.#endpoint === null ? [] : [this.#endpoint]
    return everywhere ? [...new Set([...known, ...this.#candidates])] : known
  }

  #sendSealed(session: Session, packet: Uint8Array, now: number): void {
    const datagram = session.seal(packet, this.#host.mtu)
    this.#timers.anythingSent()
    if (packet.length > 0) this.#timers.dataSent(now)
    if (session.needsRekeyAfterSending(now)) this.#initiate(now, { isRetry: false })
    this.#wake()
    if (this.#endpoint !== null) this.#transmit(datagram, this.#endpoint)
  }

  #sendKeepalive(now: number): void {
    const session = this.#sendingSession(now)
    if (session === null) this.#initiate(now, { isRetry: false })
    else this.#sendSealed(session, EMPTY, now)
    this.#timers.keepaliveSent(now)
  }

  /** Sends what waited for a session; an empty packet when nothing did and one is needed. */
  #flush(session: Session, now: number, options: { readonly atLeastOne: boolean }): void {
    const staged = this.#staged
    this.#staged = []
    if (staged.length === 0 && options.atLeastOne) this.#sendSealed(session, EMPTY, now)
    for (const packet of staged) this.#sendSealed(session, packet, now)
  }

  #confirmed(now: number): void {
    this.#timers.handshakeDone()
    this.#retries = 0
    this.#rekeyAskedOnReceive = false
    this.#lastHandshake = now
  }

  #heardFrom(endpoint: string, size: number): void {
    this.#endpoint = endpoint
    this.#rxBytes += size
    this.#timers.anythingReceived()
  }

  #transmit(datagram: Uint8Array, endpoint: string): void {
    this.#txBytes += datagram.length
    this.#host.transmit(datagram, endpoint, this.key)
  }

  #wake(): void {
    this.#host.wakeAt(this, this.#timers.next())
  }

  #sendingSession(now: number): Session | null {
    const { current } = this.#sessions
    return current !== null && current.canSeal(now) ? current : null
  }

  #remoteIdentity(): RemoteIdentity {
    if (this.#remote === null) {
      const publicKey = nodePublicBytes(this.key)
      this.#remote = {
        publicKey,
        staticSecret: staticSecret(this.#host.local, publicKey),
        presharedKey: this.#presharedKey,
      }
    }
    return this.#remote
  }

  #jar(): CookieJar {
    this.#cookies ??= new CookieJar(nodePublicBytes(this.key))
    return this.#cookies
  }

  #dropPending(): void {
    if (this.#pending === null) return
    this.#host.releaseIndex(this.#pending.localIndex)
    wipePending(this.#pending)
    this.#pending = null
    this.#pendingMessage = EMPTY
  }

  #wipe(): void {
    this.#dropPending()
    this.#sessions.wipe()
  }
}
