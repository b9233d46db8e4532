// SPDX-License-Identifier: Apache-2.0

/**
 * All long polls of one tailnet: at most one for each node, woken by changes, kept alive, and let go when their
 * client no longer reads.
 *
 * @module
 */

import type { Clock } from '../clock.ts'
import { STALLED_CLIENT_MS, UNREAD_PATIENCE_MS } from '../limits.ts'
import { Guide } from '../guidance/guide.ts'
import type { GuidanceSettings } from '../guidance/settings.ts'
import { NO_RELAYS } from '../relay/relay-map.ts'
import type { TailnetNode } from '../tailnet/node.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { Deliverer } from './deliver.ts'
import type { MapIntercept } from './deliver.ts'
import { Errands } from './errands.ts'
import type { Compression, FrameCounters } from './frame-encoder.ts'
import { Rounds } from './rounds.ts'
import type { FrameSink, Session } from './session.ts'

/** How often keep-alives and stalled clients are looked at. */
const TICK_MS = 1_000

/** What the sessions of a tailnet need. */
export interface MapSessionsOptions {
  readonly tailnet: Tailnet
  readonly clock: Clock
  readonly counters: FrameCounters
  readonly settings: () => GuidanceSettings
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
  /** What nodes are told besides nodes. */
  readonly guide: Guide
  readonly #tailnet: Tailnet
  readonly #clock: Clock
  readonly #sessions = new Map<number, Session>()
  readonly #errands = new Errands()
  readonly #deliverer: Deliverer
  readonly #rounds: Rounds
  readonly #listener: Disposable
  #tick: (() => void) | undefined

  constructor(options: MapSessionsOptions) {
    const { tailnet, clock, counters } = options
    this.relays = options.relays ?? (() => NO_RELAYS)
    this.guide = new Guide(tailnet, options.settings)
    this.#tailnet = tailnet
    this.#clock = clock
    this.#deliverer = new Deliverer({
      tailnet,
      clock,
      counters,
      guide: this.guide,
      intercept: options.intercept,
      relays: this.relays,
      onUnread: (session) => this.#rounds.markUnread(session),
    })
    this.#rounds = new Rounds({
      clock,
      counters,
      stopwatch: options.stopwatch ?? (() => performance.now()),
      everybody: () => this.#sessions.values(),
      serve: (session) => this.#serve(session),
    })
    this.#listener = tailnet.listen({
      peersChanged: () => this.#rounds.waitAll(),
      selfChanged: (ids) => {
        for (const id of ids) {
          const session = this.#sessions.get(id)
          if (session !== undefined) this.#rounds.wait(session)
        }
      },
      removed: (nodes) => {
        for (const node of nodes) this.#onRemoved(node)
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
      readonly omitPeers?: boolean
      readonly sink: FrameSink
      readonly onEnd: () => void
    },
  ): Session {
    const session: Session = {
      nodeId: node.row.id,
      nodeKey: node.row.nodeKey,
      compression: options.compression,
      omitPeers: options.omitPeers ?? false,
      sink: options.sink,
      onEnd: options.onEnd,
      delivered: -1,
      self: -1,
      guidance: null,
      lock: null,
      lockToldAt: 0,
      lockRepeats: 0,
      blockedSince: null,
      unreadFull: false,
      keepAliveAt: 0,
      waits: false,
      over: false,
    }
    const older = this.#sessions.get(session.nodeId)
    this.#sessions.set(session.nodeId, session)
    this.#tick ??= this.#clock.schedule(TICK_MS, () => this.#onTick())
    if (older !== undefined) this.close(older)
    this.#deliverer.resetKeepAlive(session)
    session.sink.onDrain(() => this.#onDrain(session))
    this.#rounds.welcome(session)
    return session
  }

  /** How often a node was told of the lock again in its session, without effect. */
  lockRepeats(nodeId: number): number {
    return this.#sessions.get(nodeId)?.lockRepeats ?? 0
  }

  /** Writes one message to a node, in a frame of its own, as soon as it reads; returns how to take it back. */
  errand(nodeId: number, json: string): () => void {
    const takeBack = this.#errands.add(nodeId, json)
    const session = this.#sessions.get(nodeId)
    if (session !== undefined) this.#rounds.wait(session)
    return takeBack
  }

  /** Ends a session. Idempotent. */
  close(session: Session): void {
    if (session.over) return
    session.over = true
    if (this.#sessions.get(session.nodeId) === session) this.#sessions.delete(session.nodeId)
    this.#rounds.forget(session)
    session.sink.end()
    session.onEnd()
  }

  /** Sends everything anew to everybody, or has everybody look again for changes. */
  wake(mode: 'full' | 'delta'): void {
    for (const session of this.#sessions.values()) {
      if (mode === 'full') {
        session.delivered = -1
        this.#rounds.welcome(session)
      } else if (session.delivered !== -1) {
        this.#deliverer.nudge(session)
        this.#rounds.wait(session)
      }
    }
  }

  /** The map of relays has changed. Who has not read yet gets everything when it does. */
  tellRelays(): void {
    for (const session of this.#sessions.values()) {
      if (session.delivered === -1) continue
      if (session.blockedSince === null) this.#deliverer.sendRelays(session)
      else session.delivered = -1
    }
  }

  /** Writes what is owed now, without waiting for timers. */
  flush(): void {
    this.#rounds.flush()
  }

  [Symbol.dispose](): void {
    this.#tick?.()
    this.#rounds[Symbol.dispose]()
    this.#listener[Symbol.dispose]()
    for (const session of this.#sessions.values()) this.close(session)
  }

  #serve(session: Session): void {
    const node = this.#tailnet.nodes.get(session.nodeId)
    if (node === undefined) return
    // The key was changed, and the old one is good for nothing: the client opens a stream with the new one.
    if (node.row.nodeKey !== session.nodeKey) {
      this.close(session)
      return
    }
    this.#deliverer.bringToNow(session, node)
    while (session.blockedSince === null) {
      const errand = this.#errands.next(session.nodeId)
      if (errand === undefined) return
      this.#deliverer.tell(session, errand)
    }
  }

  #onDrain(session: Session): void {
    if (session.blockedSince === null || session.over) return
    session.blockedSince = null
    this.#rounds.forgetUnread(session)
    if (session.delivered === -1) this.#rounds.welcome(session)
    else this.#rounds.wait(session)
  }

  #onTick(): void {
    const now = this.#clock.now()
    for (const session of this.#sessions.values()) {
      if (session.blockedSince !== null) this.#onBlocked(session, now - session.blockedSince)
      else if (session.keepAliveAt <= now && session.delivered !== -1) {
        this.#deliverer.keepAlive(session)
      }
    }
    this.#tick =
      this.#sessions.size === 0 ? undefined : this.#clock.schedule(TICK_MS, () => this.#onTick())
  }

  #onBlocked(session: Session, blockedMs: number): void {
    if (blockedMs > STALLED_CLIENT_MS) {
      session.sink.destroy()
      this.close(session)
    } else if (blockedMs > UNREAD_PATIENCE_MS) {
      // A few who do not read must not keep others waiting for their first frame.
      this.#rounds.forgetUnread(session)
    }
  }

  #onRemoved(node: TailnetNode): void {
    const session = this.#sessions.get(node.row.id)
    if (session === undefined) return
    if (session.delivered !== -1 && session.blockedSince === null) {
      this.#deliverer.sayGoodbye(session, node)
    }
    this.close(session)
  }
}
