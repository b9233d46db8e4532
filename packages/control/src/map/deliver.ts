// SPDX-License-Identifier: Apache-2.0

/**
 * What a session is owed: computed from the current state against the version that it has, and written as one
 * frame. What is the same for all is shared; only sessions whose own node is concerned get a message of their own.
 *
 * @module
 */

import type { MapResponse } from '@signet/protocol'
import { encodeMapResponse, parseMapResponse } from '@signet/protocol'
import type { Clock } from '../clock.ts'
import type { Guide } from '../guidance/guide.ts'
import { guidanceParts } from '../guidance/guidance.ts'
import type { Guidance } from '../guidance/guidance.ts'
import { KEEP_ALIVE_JITTER_MS, KEEP_ALIVE_MIN_MS } from '../limits.ts'
import type { TailnetNode } from '../tailnet/node.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { composeDelta, concerns } from './delta.ts'
import type { Delta } from './delta.ts'
import { encodeFrame, keepAliveFrame } from './frame-encoder.ts'
import type { FrameCounters } from './frame-encoder.ts'
import { FullFrames } from './full-frames.ts'
import { composeFull } from './full.ts'
import { lockPosition, lockSignalFor, lockSignalJson } from './lock-signal.ts'
import type { LockSignal } from './lock-signal.ts'
import { selfJson, wireTime } from './node-json.ts'
import { RecentFrames } from './recent-frames.ts'
import type { Session } from './session.ts'
import { SharedFrames } from './shared-frames.ts'

/** A lock signal without effect is repeated after this, then after twice as long, and so on. */
const LOCK_REPEAT_MS = 60_000
const MAX_LOCK_REPEAT_MS = 60 * 60_000
/** Patches from which on a change of the lock is encoded once for all, rather than in one frame for each. */
const MANY_PATCHES = 16

/** For a session that wants no peers. */
const NO_DELTA: Delta = {
  to: 0,
  changed: new Map(),
  patches: new Map(),
  removed: [],
  profiles: [],
  domain: null,
}

/** Edits what one viewer is told; null sends nothing. For tests that lie. */
export type MapIntercept = (
  viewer: { readonly id: number; readonly nodeKey: string },
  message: MapResponse,
) => MapResponse | null

/** What delivering needs. */
export interface DelivererOptions {
  readonly tailnet: Tailnet
  readonly clock: Clock
  readonly counters: FrameCounters
  readonly guide: Guide
  readonly intercept: MapIntercept | undefined
  /** The map of relays, as JSON. */
  readonly relays: () => string
  /** A session was written everything, and its client has not taken it yet. */
  readonly onUnread: (session: Session) => void
}

/** Writes frames to sessions. */
export class Deliverer {
  readonly #options: DelivererOptions
  readonly #shared: SharedFrames
  readonly #full: FullFrames
  readonly #guidanceFrames: RecentFrames

  constructor(options: DelivererOptions) {
    this.#options = options
    this.#shared = new SharedFrames(options.tailnet, options.counters)
    this.#full = new FullFrames(options.tailnet, options.counters)
    this.#guidanceFrames = new RecentFrames(options.counters)
  }

  /** Writes the frame that brings a session to now; nothing when it is there already. */
  bringToNow(session: Session, node: TailnetNode): void {
    const { tailnet, guide } = this.#options
    const { version } = tailnet
    const guidance = guide.for(node)
    if (session.delivered !== -1 && session.guidance !== guidance) {
      this.#deliverGuidance(session, node, guidance)
    }
    session.guidance = guidance
    const signal = lockSignalFor(tailnet.lock, node.row.reportedHead)
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

  /** Lets an intercept say something although nothing has changed. */
  nudge(session: Session): void {
    if (this.#options.intercept !== undefined) this.#send(session, '{}')
  }

  /** Tells of another map of relays. */
  sendRelays(session: Session): void {
    this.#send(session, `{"DERPMap":${this.#options.relays()}}`)
  }

  /** Writes one message that is no state. */
  tell(session: Session, json: string): void {
    this.#send(session, json)
  }

  /** A sign of life; or, to a node that does not follow the lock, what it was told before. */
  keepAlive(session: Session): void {
    const { tailnet, counters } = this.#options
    const node = tailnet.nodes.get(session.nodeId)
    const now = this.#options.clock.now()
    if (node !== undefined && this.#isLockRepeatDue(session, node, now)) {
      session.lockToldAt = now
      session.lockRepeats++
      const signal = lockSignalFor(tailnet.lock, node.row.reportedHead)
      this.#send(session, `{"TKAInfo":${lockSignalJson(signal) ?? 'null'}}`)
      return
    }
    counters.keepAlives++
    this.#write(session, keepAliveFrame(session.compression))
  }

  /** Tells a deleted node that its key is no longer good, which makes its client ask to log in again. */
  sayGoodbye(session: Session, node: TailnetNode): void {
    const { tailnet, clock } = this.#options
    const expired = { ...node, row: { ...node.row, expiresAt: clock.now() - 1_000 } }
    const time = wireTime(clock.now())
    const self = selfJson(tailnet, expired, this.#options.guide.for(node).attributes)
    this.#send(session, `{"Node":${self},"ControlTime":"${time}"}`)
  }

  /** Puts off the next keep-alive. */
  resetKeepAlive(session: Session): void {
    session.keepAliveAt =
      this.#options.clock.now() + KEEP_ALIVE_MIN_MS + Math.random() * KEEP_ALIVE_JITTER_MS
  }

  #deliverAll(session: Session, node: TailnetNode, signal: LockSignal): void {
    const { tailnet, clock, counters, intercept, relays, guide, onUnread } = this.#options
    if (session.self !== -1 && tailnet.nodes.size === 1) {
      // An empty list of peers says nothing: who may still have some has to start anew.
      session.sink.end()
      return
    }
    counters.fullFrames++
    const options = {
      lock: lockSignalJson(signal),
      now: clock.now(),
      relays: relays(),
      guidance: guide.for(node),
    }
    this.#markLockTold(session)
    if (intercept === undefined && session.compression === 'zstd' && !session.omitPeers) {
      this.#write(session, ...this.#full.frame(node, options))
    } else
      this.#send(session, composeFull(tailnet, node, { ...options, peers: !session.omitPeers }))
    if (session.blockedSince !== null) onUnread(session)
  }

  /** Before the changes of nodes: whoever comes is filtered by rules that know them. */
  #deliverGuidance(session: Session, node: TailnetNode, now: Guidance): void {
    const parts = [...guidanceParts(session.guidance, now)]
    if (session.guidance?.attributes !== now.attributes) {
      parts.push(`"Node":${selfJson(this.#options.tailnet, node, now.attributes)}`)
    }
    if (parts.length === 0) return
    const json = `{${parts.join(',')}}`
    if (this.#options.intercept !== undefined) this.#send(session, json)
    else this.#write(session, this.#guidanceFrames.of(json, session.compression))
  }

  /** False when the changes are no longer known. */
  #deliverChanges(session: Session, node: TailnetNode, signal: LockSignal): boolean {
    const { tailnet, intercept } = this.#options
    const from = session.delivered
    const delta = session.omitPeers ? NO_DELTA : this.#shared.deltaSince(from)
    if (delta === null) return false
    const lock = session.lock === signal ? null : lockSignalJson(signal)
    if (lock !== null) this.#markLockTold(session)
    const self = this.#isSelfOwed(session, node)
      ? selfJson(tailnet, node, this.#options.guide.for(node).attributes)
      : null
    const isShareable = self === null && !session.omitPeers && !concerns(delta, session.nodeId)
    if (intercept === undefined && (isShareable || isForAll(delta, session.nodeId, lock))) {
      if (self !== null) this.#send(session, `{"Node":${self}}`)
      const frame = this.#shared.frame(delta, from, session.compression, lock)
      if (frame !== null) this.#write(session, frame)
      return true
    }
    const json = composeDelta(delta, { viewer: session.nodeId, self, lock })
    if (json !== null) this.#send(session, json)
    return true
  }

  /** Not when only its report about the lock changed: of that, a node is not told. */
  #isSelfOwed(session: Session, { row, stamps }: TailnetNode): boolean {
    const since = Math.min(session.self, session.delivered)
    return (
      stamps.whole > since ||
      stamps.key > since ||
      stamps.signature > since ||
      stamps.expiry > since ||
      this.#options.tailnet.userStamp(row.userId) > session.delivered
    )
  }

  #send(session: Session, json: string): void {
    const { intercept, counters } = this.#options
    const edited = intercept === undefined ? json : edit(intercept, session, json)
    if (edited !== null) {
      this.#write(session, encodeFrame(edited, session.compression, counters))
    }
  }

  #write(session: Session, ...frame: readonly Uint8Array[]): void {
    const { counters, clock } = this.#options
    counters.frames++
    for (const { length } of frame) counters.bytes += length
    this.resetKeepAlive(session)
    if (!session.sink.write(...frame)) session.blockedSince = clock.now()
  }

  #markLockTold(session: Session): void {
    session.lockToldAt = this.#options.clock.now()
    session.lockRepeats = 0
  }

  #isLockRepeatDue(session: Session, node: TailnetNode, now: number): boolean {
    const position = lockPosition(this.#options.tailnet.lock, node.row.reportedHead)
    if (position === 'in-sync' || position === 'off') return false
    const pause = Math.min(MAX_LOCK_REPEAT_MS, LOCK_REPEAT_MS * 2 ** session.lockRepeats)
    return now - session.lockToldAt >= pause
  }
}

function edit(intercept: MapIntercept, session: Session, json: string): string | null {
  const viewer = { id: session.nodeId, nodeKey: session.nodeKey }
  const message = intercept(viewer, parseMapResponse(json))
  const edited = message === null ? '{}' : encodeMapResponse(message)
  return edited === '{}' ? null : edited
}

/**
 * Whether a frame may be shared although it has a patch for the viewer itself. Clients pass over patches of
 * nodes that are not their peers, but only when the message makes them build everything anew, as news of the lock
 * does. It is worth it when the lock is switched on: a signature for every node, to every node.
 */
function isForAll(delta: Delta, viewer: number, lock: string | null): boolean {
  return lock !== null && delta.patches.size >= MANY_PATCHES && !delta.changed.has(viewer)
}
