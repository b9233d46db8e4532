// SPDX-License-Identifier: Apache-2.0

/**
 * When sessions get their turn.
 *
 * Changes that come close together are one round. A round costs what it costs, and the next one waits at
 * least twice as long, and longer while they keep coming: a storm of changes takes a bounded share of the
 * processor, every client sees the merged result, and a single change goes out at once.
 *
 * Newcomers, who wait for everything, do not wait for rounds, nor rounds for them; but only so many may have a
 * whole network on the way to them at once.
 *
 * @module
 */

import type { Clock } from '../clock.ts'
import type { FrameCounters } from './frame-encoder.ts'
import type { Session } from './session.ts'

/** Longest stretch of writing frames before other work gets its turn. */
const TURN_MS = 8
/** A round is followed by a pause of at least this many times its length; in a storm, of more and more. */
const PAUSE_FACTOR = 2
const STORM_PAUSE_FACTOR = 8
/** Rounds that follow each other this closely are a storm. */
const STORM_GAP_MS = 50
/** What a frame costs after it was handed over: encryption and sockets, which no stopwatch here sees. */
const FRAME_COST_MS = 0.05
const MAX_PAUSE_MS = 1_000
/** First frames that were written but not yet read: each may be a whole network. */
const MAX_UNREAD_FULL_FRAMES = 64

/** What rounds need. */
export interface RoundsOptions {
  readonly clock: Clock
  readonly counters: FrameCounters
  /** Milliseconds of real time. */
  readonly stopwatch: () => number
  /** All sessions that are open. */
  readonly everybody: () => Iterable<Session>
  /** Writes what a session is owed. */
  readonly serve: (session: Session) => void
}

/** Sessions that wait, and when they are served. */
export class Rounds implements Disposable {
  readonly #options: RoundsOptions
  /** Those before `#served` were looked at; whoever no longer waits is passed over. */
  #waiting: Session[] = []
  #served = 0
  readonly #newcomers = new Set<Session>()
  #everybodyWaits = false
  #roundTimer: (() => void) | undefined
  #newcomerTimer: (() => void) | undefined
  #inRound = false
  #pauseUntil = 0
  #pauseFactor = PAUSE_FACTOR
  #framesBefore = 0
  #unread = 0

  constructor(options: RoundsOptions) {
    this.#options = options
  }

  /** Everybody has something to look at in the next round. */
  waitAll(): void {
    this.#everybodyWaits = true
    this.#schedule()
  }

  /** One session has something to look at in the next round. */
  wait(session: Session): void {
    if (session.over || this.#newcomers.has(session)) return
    this.#add(session)
    this.#schedule()
  }

  /** A session waits for everything. */
  welcome(session: Session): void {
    session.waits = false
    this.#newcomers.add(session)
    this.#wakeNewcomers()
  }

  /** A session was written everything and has not read it. */
  markUnread(session: Session): void {
    session.unreadFull = true
    this.#unread++
  }

  /** It has, or it is not waited for any longer. */
  forgetUnread(session: Session): void {
    if (!session.unreadFull) return
    session.unreadFull = false
    this.#unread--
    if (this.#newcomers.size > 0) this.#wakeNewcomers()
  }

  /** A session is over. */
  forget(session: Session): void {
    session.waits = false
    this.#newcomers.delete(session)
    this.forgetUnread(session)
  }

  /** Serves everybody who waits, now. */
  flush(): void {
    this[Symbol.dispose]()
    this.#serveNewcomers(Infinity)
    this.#collect()
    this.#serveWaiting(Infinity)
  }

  [Symbol.dispose](): void {
    this.#newcomerTimer?.()
    this.#newcomerTimer = undefined
    this.#roundTimer?.()
    this.#roundTimer = undefined
  }

  #wakeNewcomers(): void {
    const { clock, stopwatch } = this.#options
    this.#newcomerTimer ??= clock.schedule(0, () => {
      this.#newcomerTimer = undefined
      if (this.#serveNewcomers(stopwatch() + TURN_MS)) this.#wakeNewcomers()
    })
  }

  /** Serves newcomers until the deadline; whether it makes sense to go on then. */
  #serveNewcomers(deadline: number): boolean {
    for (const session of this.#newcomers) {
      if (this.#unread >= MAX_UNREAD_FULL_FRAMES) return false
      this.#newcomers.delete(session)
      if (session.blockedSince === null) this.#options.serve(session)
      if (this.#options.stopwatch() >= deadline) return this.#newcomers.size > 0
    }
    return false
  }

  #schedule(): void {
    if (this.#inRound) return
    const { clock, stopwatch } = this.#options
    const delay = Math.max(0, this.#pauseUntil - stopwatch())
    this.#roundTimer ??= clock.schedule(delay, () => {
      this.#roundTimer = undefined
      this.#startRound()
    })
  }

  #startRound(): void {
    const { counters, stopwatch } = this.#options
    const isStorm = stopwatch() - this.#pauseUntil < STORM_GAP_MS
    this.#pauseFactor = isStorm ? Math.min(STORM_PAUSE_FACTOR, this.#pauseFactor + 1) : PAUSE_FACTOR
    this.#inRound = true
    this.#framesBefore = counters.frames
    counters.rounds++
    this.#collect()
    this.#continueRound(0)
  }

  #collect(): void {
    if (!this.#everybodyWaits) return
    this.#everybodyWaits = false
    for (const session of this.#options.everybody()) {
      if (!this.#newcomers.has(session)) this.#add(session)
    }
  }

  #add(session: Session): void {
    if (session.waits) return
    session.waits = true
    this.#waiting.push(session)
  }

  /** Works through the waiting sessions in turns, letting other events in between. */
  #continueRound(spent: number): void {
    const { counters, stopwatch } = this.#options
    const start = stopwatch()
    const more = this.#serveWaiting(start + TURN_MS)
    const total = spent + (stopwatch() - start)
    if (more) {
      setImmediate(() => this.#continueRound(total))
      return
    }
    this.#inRound = false
    const cost = total + (counters.frames - this.#framesBefore) * FRAME_COST_MS
    this.#pauseUntil = stopwatch() + Math.min(MAX_PAUSE_MS, cost * this.#pauseFactor)
    if (this.#everybodyWaits) this.#schedule()
  }

  /** Serves waiting sessions until the deadline; whether some are left. */
  #serveWaiting(deadline: number): boolean {
    const { serve, stopwatch } = this.#options
    for (let session = this.#waiting[this.#served]; session !== undefined;) {
      this.#served++
      if (session.waits) {
        session.waits = false
        if (session.blockedSince === null) serve(session)
      }
      session = this.#waiting[this.#served]
      if (session !== undefined && stopwatch() >= deadline) return true
    }
    this.#waiting = []
    this.#served = 0
    return false
  }
}
