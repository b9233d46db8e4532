// SPDX-License-Identifier: Apache-2.0

/**
 * What runs for each tailnet: its sessions, who is connected, and the calls of its lock.
 *
 * @module
 */

import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { createCallLimits } from '../lock/call-limits.ts'
import type { CallLimits } from '../lock/call-limits.ts'
import { openLockContext } from '../lock/context.ts'
import type { FrameCounters } from '../map/frame-encoder.ts'
import type { LiveSettings } from '../guidance/settings.ts'
import { MapSessions } from '../map/sessions.ts'
import type { Intercept } from '../options.ts'
import type { Store } from '../store/store.ts'
import { keepCarriers } from '../tailnet/carriers.ts'
import { trackPresence } from '../tailnet/presence.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import type { Tailnets } from '../tailnet/tailnets.ts'
import { createAskedOnce } from './register-signature.ts'
import type { TailnetRuntime } from './services.ts'

/** The running parts of all tailnets. */
export interface Runtimes extends Disposable {
  readonly of: (tailnet: Tailnet) => TailnetRuntime
  /** Counts the lock calls of each machine, in whatever tailnet. */
  readonly lockCalls: CallLimits
  wake(mode: 'full' | 'delta'): void
  /** Tells every node of another map of relays. */
  relaysChanged(): void
  /** Sessions that are open. */
  connected(): number
}

/** Starts what runs for each tailnet. */
export function createRuntimes(options: {
  readonly tailnets: Tailnets
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  readonly counters: FrameCounters
  readonly intercept: Intercept | undefined
  readonly settings: LiveSettings
  /** The map of relays, as JSON; none unless given. */
  readonly relays?: (() => string) | undefined
  readonly ephemeralGraceMs?: number | undefined
}): Runtimes {
  const { tailnets, store, clock, logger, counters, intercept, relays, settings } = options
  const { ephemeralGraceMs } = options
  const runtimes = new Map<Tailnet, TailnetRuntime>()
  const lockCalls = createCallLimits(() => clock.now())
  const start = (tailnet: Tailnet): TailnetRuntime => ({
    tailnet,
    // Before the sessions, so that a change of carriers is in the message that says why.
    carriers: keepCarriers(tailnet, clock),
    presence: trackPresence(tailnet, clock, ephemeralGraceMs),
    sessions: new MapSessions({
      tailnet,
      clock,
      counters,
      settings: settings.current,
      intercept: intercept?.mapResponse,
      relays,
    }),
    lock: openLockContext(tailnet, store, clock, logger, lockCalls),
    asked: createAskedOnce(() => clock.now()),
  })
  for (const tailnet of tailnets.all()) runtimes.set(tailnet, start(tailnet))
  settings.onChange(() => {
    for (const { sessions } of runtimes.values()) sessions.wake('delta')
  })
  return {
    lockCalls,
    of(tailnet) {
      let runtime = runtimes.get(tailnet)
      if (runtime === undefined) {
        runtime = start(tailnet)
        runtimes.set(tailnet, runtime)
      }
      return runtime
    },
    wake(mode) {
      for (const { sessions } of runtimes.values()) sessions.wake(mode)
    },
    relaysChanged() {
      for (const { sessions } of runtimes.values()) sessions.tellRelays()
    },
    connected() {
      let count = 0
      for (const { sessions } of runtimes.values()) count += sessions.size
      return count
    },
    [Symbol.dispose]() {
      for (const { sessions, presence, carriers } of runtimes.values()) {
        carriers[Symbol.dispose]()
        sessions[Symbol.dispose]()
        presence[Symbol.dispose]()
      }
      for (const tailnet of tailnets.all()) {
        try {
          tailnet.flushNotes()
        } catch (error) {
          logger.error({ err: error }, 'the last reports of nodes could not be stored')
        }
      }
    },
  }
}
