// SPDX-License-Identifier: Apache-2.0

/**
 * The key pairs of one peer and how they follow one another. WireGuard paper, section 6.3.
 *
 * ```
 *   our handshake, answered ------------------------------> current
 *   their handshake, answered ---> next -- first message --> current ---> older (two)
 * ```
 *
 * - `next` is not used for sending before a message sealed with it arrives: only that proves that
 *   the initiation was not a replay.
 * - `older` sessions still open packets that were on their way. There are two, because sides that
 *   asked at once each send with a session of their own, and both are replaced at once.
 *
 * @module
 */

import type { Session } from './transport.ts'

/** Sessions by role; tells its owner which indexes are free again. */
export class Sessions {
  readonly #release: (index: number) => void
  #next: Session | null = null
  #current: Session | null = null
  #older: readonly Session[] = []

  constructor(release: (index: number) => void) {
    this.#release = release
  }

  /** The session to send with, whatever its age. */
  get current(): Session | null {
    return this.#current
  }

  /** Returns the session that a message with this receiver index is for. */
  find(index: number): Session | null {
    if (this.#current?.localIndex === index) return this.#current
    if (this.#next?.localIndex === index) return this.#next
    return this.#older.find((session) => session.localIndex === index) ?? null
  }

  /** Takes a session whose handshake the other side began; an unconfirmed earlier one goes. */
  addUnconfirmed(session: Session): void {
    if (this.#next !== null) this.#release(this.#next.localIndex)
    this.#next = session
  }

  /** Takes a session whose handshake we began. */
  addConfirmed(session: Session): void {
    this.#retire(this.#current)
    this.#retire(this.#next)
    this.#next = null
    this.#current = session
  }

  /** Notes that a message sealed with this session arrived; returns whether that confirmed it. */
  confirm(session: Session): boolean {
    if (session !== this.#next) return false
    this.#retire(this.#current)
    this.#current = session
    this.#next = null
    return true
  }

  /** Forgets all. */
  wipe(): void {
    for (const session of [this.#next, this.#current, ...this.#older]) {
      if (session !== null) this.#release(session.localIndex)
    }
    this.#next = null
    this.#current = null
    this.#older = []
  }

  #retire(session: Session | null): void {
    if (session === null) return
    const [newest] = this.#older
    for (const gone of this.#older.slice(1)) this.#release(gone.localIndex)
    this.#older = newest === undefined ? [session] : [session, newest]
  }
}
