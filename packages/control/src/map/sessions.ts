// SPDX-License-Identifier: Apache-2.0

/**
 * All long polls of one tailnet: woken by changes, each computes what it owes from the current state.
 *
 * Changes that come close together are one round. A round costs what it costs, and the next one waits at
 * least twice as long, and longer while they keep coming: a storm of changes takes a bounded share of the
 * processor, every client sees the merged result, and a single change goes out at once.
 *
 * What is the same for all sessions at the same version is encoded once. Only sessions whose own node is
 * concerned get a message of their own.
 *
 * @module
 */

import type { MapResponse } from '@signet/protocol'
import { encodeMapResponse, parseMapResponse } from '@signet/protocol'
import type { Clock } from '../clock.ts'
import { KEEP_ALIVE_JITTER_MS, KEEP_ALIVE_MIN_MS, STALLED_CLIENT_MS } from '../limits.ts'
import { NO_RELAYS } from '../relay/relay-map.ts'
import type { TailnetNode } from '../tailnet/node.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { composeDelta, concerns, deltaSince } from './delta.ts'
import type { Delta } from './delta.ts'
import { encodeFrame, keepAliveFrame } from './frame-encoder.ts'
import type { Compression, FrameCounters } from './frame-encoder.ts'
import { composeFull } from './full.ts'
import { lockPosition, lockSignalFor, lockSignalJson } from './lock-signal.ts'
import type { LockSignal } from './lock-signal.ts'
import { selfJson, wireTime } from './node-json.ts'
import type { FrameSink, Session } from './session.ts'

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
/** A lock signal without effect is repeated after this, then after twice as long, and so on. */
const LOCK_REPEAT_MS = 60_000
const MAX_LOCK_REPEAT_MS = 60 * 60_000
/** How often keep-alives and stalled clients are looked at. */
const TICK_MS = 1_000

/** Patches from which on a change of the lock is encoded once for all, rather than in one frame for each. */
const MANY_PATCHES = 16

/** Edits what one viewer is told; null sends nothing. For tests that lie. */
export type MapIntercept = (
  viewer: { readonly id: number; readonly nodeKey: string },
  message: MapResponse,
) => MapResponse | null

/** What the sessions of a tailnet need. */
export interface MapSessionsOptions {
  readonly tailnet: Tailnet
  readonly clock: Clock
  readonly counters: FrameCounters
  readonly intercept?: MapIntercept | undefined
  /** The map of relays, as JSON; none unless given. */
  readonly relays?: (() => string) | undefined
  /** Measures rounds; the clock of the process unless a test says otherwise. */
  readonly stopwatch?: (() => number) | undefined
}

/** The long polls of one tailnet. */
export class MapSessions implements Disposable {
  /** The map of relays that nodes are given now, as JSON. */
  readonly relays: () => string
  readonly #tailnet: Tailnet
  readonly #clock: Clock
  readonly #counters: FrameCounters
  readonly #intercept: MapIntercept | undefined
  readonly #stopwatch: () => number
  readonly #sessions = new Map<number, Session>()
  /** Sessions that wait for the next round. */
  readonly #waiting = new Set<Session>()
  /** Sessions that wait for everything; they do not wait for rounds, nor rounds for them. */
  readonly #newcomers = new Set<Session>()
  readonly #listener: Disposable
  readonly #deltas = new Map<number, Delta | null>()
  readonly #frames = new Map<string, Buffer | null>()
  #cachedVersion = -1
  #everybodyWaits = false
  #roundTimer: (() => void) | undefined
  #newcomerTimer: (() => void) | undefined
  #inRound = false
  #pauseUntil = 0
  #framesBefore = 0
  #pauseFactor = PAUSE_FACTOR
  #unreadFullFrames = 0
  #tick: (() => void) | undefined

  constructor(options: MapSessionsOptions) {
    this.relays = options.relays ?? (() => NO_RELAYS)
    this.#tailnet = options.tailnet
    this.#clock = options.clock
    this.#counters = options.counters
    this.#intercept = options.intercept
    this.#stopwatch = options.stopwatch ?? (() => performance.now())
    this.#listener = this.#tailnet.listen({
      peersChanged: () => {
        this.#everybodyWaits = true
        this.#schedule()
      },
      selfChanged: (ids) => {
        for (const id of ids) this.#wait(this.#sessions.get(id))
      },
      removed: (nodes) => {
        for (const node of nodes) this.#sayGoodbye(node)
      },
    })
  }

  /** Sessions that are open. */
  get size(): number {
    return this.#sessions.size
  }

  /** Opens a session; an older one of the same node ends. Its first frame is written soon, not now. */
  open(
    node: TailnetNode,
    options: {
      readonly compression: Compression
      readonly sink: FrameSink
      readonly onEnd: () => void
    },
  ): Session {
    const session: Session = {
      nodeId: node.row.id,
      nodeKey: node.row.nodeKey,
      compression: options.compression,
      sink: options.sink,
      onEnd: options.onEnd,
      delivered: -1,
      self: -1,
      lock: null,
      lockToldAt: 0,
      lockRepeats: 0,
      blockedSince: null,
      unreadFull: false,
      keepAliveAt: 0,
      over: false,
    }
    const older = this.#sessions.get(session.nodeId)
    this.#sessions.set(session.nodeId, session)
    this.#tick ??= this.#clock.schedule(TICK_MS, () => this.#onTick())
    if (older !== undefined) this.close(older)
    this.#resetKeepAlive(session)
    session.sink.onDrain(() => this.#onDrain(session))
    this.#welcome(session)
    return session
  }

  /** Ends a session. Idempotent. */
  close(session: Session): void {
    if (session.over) return
    session.over = true
    if (this.#sessions.get(session.nodeId) === session) this.#sessions.delete(session.nodeId)
    this.#waiting.delete(session)
    this.#newcomers.delete(session)
    this.#forgetUnread(session)
    session.sink.end()
    session.onEnd()
  }

  /** Sends everything anew to everybody, or has everybody look again for changes. */
  wake(mode: 'full' | 'delta'): void {
    for (const session of this.#sessions.values()) {
      if (mode === 'full') {
        session.delivered = -1
        this.#welcome(session)
      } else if (session.delivered !== -1) {
        if (this.#intercept !== undefined) this.#send(session, '{}')
        this.#wait(session)
      }
    }
  }

  /** Writes what is owed now, without waiting for timers. */
  flush(): void {
    this.#newcomerTimer?.()
    this.#newcomerTimer = undefined
    this.#serveNewcomers(Infinity)
    this.#roundTimer?.()
    this.#roundTimer = undefined
    this.#collect()
    this.#serveWaiting(Infinity)
  }

  [Symbol.dispose](): void {
    this.#tick?.()
    this.#roundTimer?.()
    this.#newcomerTimer?.()
    this.#listener[Symbol.dispose]()
    for (const session of this.#sessions.values()) this.close(session)
  }

  #welcome(session: Session): void {
    this.#waiting.delete(session)
    this.#newcomers.add(session)
    this.#newcomerTimer ??= this.#clock.schedule(0, () => this.#onNewcomers())
  }

  #onNewcomers(): void {
    this.#newcomerTimer = undefined
    const more = this.#serveNewcomers(this.#stopwatch() + TURN_MS)
    if (more) this.#newcomerTimer = this.#clock.schedule(0, () => this.#onNewcomers())
  }

  /** Serves newcomers until the deadline; whether it makes sense to go on then. */
  #serveNewcomers(deadline: number): boolean {
    for (const session of this.#newcomers) {
      if (this.#unreadFullFrames >= MAX_UNREAD_FULL_FRAMES) return false
      this.#newcomers.delete(session)
      if (session.blockedSince === null) this.#deliver(session)
      if (this.#stopwatch() >= deadline) return this.#newcomers.size > 0
    }
    return false
  }

  #wait(session: Session | undefined): void {
    if (session === undefined || session.over || this.#newcomers.has(session)) return
    this.#waiting.add(session)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#inRound) return
    const delay = Math.max(0, this.#pauseUntil - this.#stopwatch())
    this.#roundTimer ??= this.#clock.schedule(delay, () => {
      this.#roundTimer = undefined
      this.#inRound = true
      const isStorm = this.#stopwatch() - this.#pauseUntil < STORM_GAP_MS
      this.#pauseFactor = isStorm
        ? Math.min(STORM_PAUSE_FACTOR, this.#pauseFactor + 1)
        : PAUSE_FACTOR
      this.#collect()
      this.#counters.rounds++
      this.#framesBefore = this.#counters.frames
      this.#continueRound(0)
    })
  }

  #collect(): void {
    if (!this.#everybodyWaits) return
    this.#everybodyWaits = false
    for (const session of this.#sessions.values()) {
      if (!this.#newcomers.has(session)) this.#waiting.add(session)
    }
  }

  /** Works through the waiting sessions in turns, letting other events in between. */
  #continueRound(spent: number): void {
    const start = this.#stopwatch()
    const more = this.#serveWaiting(start + TURN_MS)
    const total = spent + (this.#stopwatch() - start)
    if (more) {
      setImmediate(() => this.#continueRound(total))
      return
    }
    this.#inRound = false
    const cost = total + (this.#counters.frames - this.#framesBefore) * FRAME_COST_MS
    this.#pauseUntil = this.#stopwatch() + Math.min(MAX_PAUSE_MS, cost * this.#pauseFactor)
    if (this.#everybodyWaits) this.#schedule()
  }

  /** Serves waiting sessions until the deadline; whether some are left. */
  #serveWaiting(deadline: number): boolean {
    for (const session of this.#waiting) {
      this.#waiting.delete(session)
      if (session.blockedSince === null) this.#deliver(session)
      if (this.#stopwatch() >= deadline) return this.#waiting.size > 0
    }
    return false
  }

  #forgetUnread(session: Session): void {
    if (!session.unreadFull) return
    session.unreadFull = false
    this.#unreadFullFrames--
    if (this.#newcomers.size > 0) {
      this.#newcomerTimer ??= this.#clock.schedule(0, () => this.#onNewcomers())
    }
  }

  #onDrain(session: Session): void {
    if (session.blockedSince === null || session.over) return
    session.blockedSince = null
    this.#forgetUnread(session)
    if (session.delivered === -1) this.#welcome(session)
    else this.#wait(session)
  }

  /** Writes the one frame that brings a session to now; nothing when it is there already. */
  #deliver(session: Session): void {
    const node = this.#tailnet.nodes.get(session.nodeId)
    if (node === undefined) return
    if (node.row.nodeKey !== session.nodeKey) {
      this.close(session)
      return
    }
    const { version } = this.#tailnet
    const signal = lockSignalFor(this.#tailnet.lock, node.row.reportedHead)
    if (session.delivered === -1) {
      this.#deliverAll(session, node, signal)
    } else if (
      session.delivered !== version ||
      session.self !== node.stamps.self ||
      session.lock !== signal
    ) {
      if (!this.#deliverChanges(session, node, signal)) this.#deliverAll(session, node, signal)
    }
    session.delivered = version
    session.self = node.stamps.self
    session.lock = signal
  }

  #deliverAll(session: Session, node: TailnetNode, signal: LockSignal): void {
    this.#counters.fullFrames++
    const json = composeFull(this.#tailnet, node, {
      lock: lockSignalJson(signal),
      now: this.#clock.now(),
      peers: true,
      relays: this.relays(),
    })
    this.#markLockTold(session)
    this.#send(session, json)
    if (session.blockedSince === null) return
    session.unreadFull = true
    this.#unreadFullFrames++
  }

  /** False when the changes are no longer known. */
  #deliverChanges(session: Session, node: TailnetNode, signal: LockSignal): boolean {
    const from = session.delivered
    const delta = this.#deltaSince(from)
    if (delta === null) return false
    const lock = session.lock === signal ? null : lockSignalJson(signal)
    if (lock !== null) this.#markLockTold(session)
    const isOwn =
      node.stamps.self !== session.self || this.#tailnet.userStamp(node.row.userId) > from
    const self = isOwn && this.#isSelfVisible(node, session) ? selfJson(this.#tailnet, node) : null
    const isShareable = self === null && !concerns(delta, session.nodeId)
    if (this.#intercept === undefined && (isShareable || isForAll(delta, session.nodeId, lock))) {
      if (self !== null) this.#send(session, `{"Node":${self}}`)
      const frame = this.#sharedFrame(delta, from, session.compression, lock)
      if (frame !== null) this.#write(session, frame)
      return true
    }
    const json = composeDelta(delta, { viewer: session.nodeId, self, lock })
    if (json !== null) this.#send(session, json)
    return true
  }

  /** A node is not shown its own record again when only its report about the lock changed. */
  #isSelfVisible(node: TailnetNode, session: Session): boolean {
    const { stamps } = node
    const since = Math.min(session.self, session.delivered)
    return (
      stamps.whole > since ||
      stamps.key > since ||
      stamps.signature > since ||
      stamps.expiry > since ||
      this.#tailnet.userStamp(node.row.userId) > since
    )
  }

  #deltaSince(from: number): Delta | null {
    if (this.#cachedVersion !== this.#tailnet.version) {
      this.#cachedVersion = this.#tailnet.version
      this.#deltas.clear()
      this.#frames.clear()
    }
    let delta = this.#deltas.get(from)
    if (delta === undefined) {
      delta = deltaSince(this.#tailnet, from)
      this.#deltas.set(from, delta)
    }
    return delta
  }

  #sharedFrame(
    delta: Delta,
    from: number,
    compression: Compression,
    lock: string | null,
  ): Buffer | null {
    const key = `${from} ${compression} ${lock ?? ''}`
    let frame = this.#frames.get(key)
    if (frame === undefined) {
      const json = composeDelta(delta, { viewer: 0, self: null, lock })
      frame = json === null ? null : encodeFrame(json, compression, this.#counters)
      this.#frames.set(key, frame)
    }
    return frame
  }

  #send(session: Session, json: string): void {
    const edited = this.#intercept === undefined ? json : this.#edit(session, json)
    if (edited !== null) {
      this.#write(session, encodeFrame(edited, session.compression, this.#counters))
    }
  }

  #edit(session: Session, json: string): string | null {
    const viewer = { id: session.nodeId, nodeKey: session.nodeKey }
    const message = this.#intercept?.(viewer, parseMapResponse(json)) ?? null
    const edited = message === null ? '{}' : encodeMapResponse(message)
    return edited === '{}' ? null : edited
  }

  #write(session: Session, frame: Uint8Array): void {
    this.#counters.frames++
    this.#counters.bytes += frame.length
    this.#resetKeepAlive(session)
    if (!session.sink.write(frame)) session.blockedSince = this.#clock.now()
  }

  #resetKeepAlive(session: Session): void {
    session.keepAliveAt =
      this.#clock.now() + KEEP_ALIVE_MIN_MS + Math.random() * KEEP_ALIVE_JITTER_MS
  }

  #markLockTold(session: Session): void {
    session.lockToldAt = this.#clock.now()
    session.lockRepeats = 0
  }

  #onTick(): void {
    const now = this.#clock.now()
    for (const session of this.#sessions.values()) {
      if (session.blockedSince !== null) {
        if (now - session.blockedSince > STALLED_CLIENT_MS) {
          session.sink.destroy()
          this.close(session)
        }
      } else if (session.keepAliveAt <= now && session.delivered !== -1) {
        this.#keepAlive(session, now)
      }
    }
    this.#tick =
      this.#sessions.size === 0 ? undefined : this.#clock.schedule(TICK_MS, () => this.#onTick())
  }

  /** A sign of life; or, to a node that does not follow the lock, what it was told before. */
  #keepAlive(session: Session, now: number): void {
    const node = this.#tailnet.nodes.get(session.nodeId)
    if (node !== undefined && this.#isLockRepeatDue(session, node, now)) {
      session.lockToldAt = now
      session.lockRepeats++
      const signal = lockSignalFor(this.#tailnet.lock, node.row.reportedHead)
      this.#send(session, `{"TKAInfo":${lockSignalJson(signal) ?? 'null'}}`)
      return
    }
    this.#counters.keepAlives++
    this.#write(session, keepAliveFrame(session.compression))
  }

  #isLockRepeatDue(session: Session, node: TailnetNode, now: number): boolean {
    const position = lockPosition(this.#tailnet.lock, node.row.reportedHead)
    if (position === 'in-sync' || position === 'off') return false
    const pause = Math.min(MAX_LOCK_REPEAT_MS, LOCK_REPEAT_MS * 2 ** session.lockRepeats)
    return now - session.lockToldAt >= pause
  }

  /** Tells a deleted node that its key is no longer good, which makes its client ask to log in again. */
  #sayGoodbye(node: TailnetNode): void {
    const session = this.#sessions.get(node.row.id)
    if (session === undefined) return
    const expired = { ...node, row: { ...node.row, expiresAt: this.#clock.now() - 1_000 } }
    if (session.delivered !== -1 && session.blockedSince === null) {
      this.#send(
        session,
        `{"Node":${selfJson(this.#tailnet, expired)},"ControlTime":"${wireTime(this.#clock.now())}"}`,
      )
    }
    this.close(session)
  }
}

/**
 * Whether a frame may be shared although it has a patch for the viewer itself. Clients pass over patches of
 * nodes that are not their peers, but only when the message makes them build everything anew, as news of the lock
 * does. It is worth it when the lock is switched on: a signature for every node, to every node.
 */
function isForAll(delta: Delta, viewer: number, lock: string | null): boolean {
  return lock !== null && delta.patches.size >= MANY_PATCHES && !delta.changed.has(viewer)
}
