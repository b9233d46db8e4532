// SPDX-License-Identifier: Apache-2.0

/**
 * The timers of one peer. WireGuard paper, sections 6.2 to 6.5.
 *
 * | timer | set by | cleared by | when due |
 * |---|---|---|---|
 * | retransmit | initiation sent | session confirmed | initiation again, 18 times |
 * | keepalive | data received | anything sent | empty packet |
 * | silence | data sent | anything received | new handshake |
 * | wipe | session made, handshake given up | session made (again) | all keys overwritten |
 *
 * A deadline is a moment on the caller's clock, infinity when not set.
 *
 * @module
 */

import {
  KEEPALIVE_TIMEOUT_MS,
  NEW_HANDSHAKE_MS,
  REKEY_JITTER_MS,
  REKEY_TIMEOUT_MS,
  ZERO_KEYS_MS,
} from './limits.ts'

/** Names of the timers, in the order in which they are served. */
export type TimerName = 'retransmit' | 'keepalive' | 'silence' | 'wipe'

const NAMES: readonly TimerName[] = ['retransmit', 'keepalive', 'silence', 'wipe']
const NEVER = Number.POSITIVE_INFINITY

/** Deadlines of one peer, moved by what happens to it. */
export class PeerTimers {
  readonly #jitter: () => number
  readonly #deadline: Record<TimerName, number> = {
    retransmit: NEVER,
    keepalive: NEVER,
    silence: NEVER,
    wipe: NEVER,
  }
  #dataWhileKeepaliveSet = false

  /** `jitter` returns a number from 0 to 1. */
  constructor(jitter: () => number) {
    this.#jitter = jitter
  }

  /** The earliest deadline. */
  next(): number {
    const { retransmit, keepalive, silence, wipe } = this.#deadline
    return Math.min(retransmit, keepalive, silence, wipe)
  }

  /** Clears and returns one timer that is due, else null. */
  takeDue(now: number): TimerName | null {
    for (const name of NAMES) {
      if (this.#deadline[name] <= now) {
        this.#deadline[name] = NEVER
        return name
      }
    }
    return null
  }

  initiationSent(now: number): void {
    this.#deadline.retransmit = now + REKEY_TIMEOUT_MS + this.#jitter() * REKEY_JITTER_MS
  }

  /** An initiation is wanted but must not be sent before `at`. */
  initiationPutOff(at: number): void {
    if (this.#deadline.retransmit === NEVER) this.#deadline.retransmit = at
  }

  /** A session is confirmed: the handshake needs no further attempt. */
  handshakeDone(): void {
    this.#deadline.retransmit = NEVER
  }

  sessionMade(now: number): void {
    this.#deadline.wipe = now + ZERO_KEYS_MS
  }

  handshakeGivenUp(now: number): void {
    this.#deadline.retransmit = NEVER
    if (this.#deadline.wipe === NEVER) this.#deadline.wipe = now + ZERO_KEYS_MS
  }

  dataSent(now: number): void {
    if (this.#deadline.silence === NEVER) {
      this.#deadline.silence = now + NEW_HANDSHAKE_MS + this.#jitter() * REKEY_JITTER_MS
    }
  }

  dataReceived(now: number): void {
    if (this.#deadline.keepalive === NEVER) {
      this.#deadline.keepalive = now + KEEPALIVE_TIMEOUT_MS
    } else this.#dataWhileKeepaliveSet = true
  }

  anythingSent(): void {
    this.#deadline.keepalive = NEVER
  }

  anythingReceived(): void {
    this.#deadline.silence = NEVER
  }

  /** The keepalive went out; another is due if data arrived since the first was planned. */
  keepaliveSent(now: number): void {
    if (this.#dataWhileKeepaliveSet) {
      this.#dataWhileKeepaliveSet = false
      this.#deadline.keepalive = now + KEEPALIVE_TIMEOUT_MS
    }
  }

  clear(): void {
    for (const name of NAMES) this.#deadline[name] = NEVER
    this.#dataWhileKeepaliveSet = false
  }
}
