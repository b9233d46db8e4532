// SPDX-License-Identifier: Apache-2.0

/**
 * What the handlers of the machine API work with.
 *
 * @module
 */

import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { ControlError } from '../errors.ts'
import type { CallLimits } from '../lock/call-limits.ts'
import type { LiveSettings } from '../guidance/settings.ts'
import {
  AUDIT_LOGS_PER_MINUTE,
  LOGINS_PER_MINUTE,
  MAP_REQUESTS_PER_MINUTE,
  REGISTRATIONS_PER_MINUTE,
  STRANGER_LOGINS_PER_MINUTE,
} from '../limits.ts'
import type { LockContext } from '../lock/context.ts'
import { createRateLimiter } from '../lock/rate-limiter.ts'
import type { RateLimiter } from '../lock/rate-limiter.ts'
import type { Logins } from '../login/logins.ts'
import type { FrameCounters } from '../map/frame-encoder.ts'
import type { MapSessions } from '../map/sessions.ts'
import type { Intercept } from '../options.ts'
import type { Presence } from '../tailnet/presence.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import type { FoundNode, Tailnets } from '../tailnet/tailnets.ts'
import type { NodePublic } from '@signet/keys'
import type { NodeCalls } from './node-calls.ts'
import type { AskedOnce } from './register-signature.ts'
import type { Caller } from './request.ts'

/** What belongs to one tailnet while the server runs. */
export interface TailnetRuntime {
  readonly tailnet: Tailnet
  readonly presence: Presence
  /** Which node carries which route. */
  readonly carriers: Disposable
  readonly sessions: MapSessions
  readonly lock: LockContext
  readonly asked: AskedOnce
}

/** How often machines may register and ask, the lock's calls aside. */
export interface LoginLimits {
  readonly registrations: RateLimiter
  readonly ofMachine: RateLimiter
  readonly ofPlace: RateLimiter
  readonly mapRequests: RateLimiter
  readonly auditLogs: RateLimiter
}

/** The limits, unused. */
export function createLoginLimits(now: () => number): LoginLimits {
  const limit = (perMinute: number): RateLimiter => createRateLimiter({ perMinute, now })
  return {
    registrations: limit(REGISTRATIONS_PER_MINUTE),
    ofMachine: limit(LOGINS_PER_MINUTE),
    ofPlace: limit(STRANGER_LOGINS_PER_MINUTE),
    mapRequests: limit(MAP_REQUESTS_PER_MINUTE),
    auditLogs: limit(AUDIT_LOGS_PER_MINUTE),
  }
}

/** Everything that a request may need. */
export interface MachineServices {
  readonly tailnets: Tailnets
  readonly runtime: (tailnet: Tailnet) => TailnetRuntime
  readonly clock: Clock
  readonly logger: Logger
  readonly counters: FrameCounters
  readonly intercept: Intercept | undefined
  /** How often one machine may make each call of the lock. */
  readonly lockCalls: CallLimits
  readonly settings: LiveSettings
  /** Interactive logins that are under way. */
  readonly logins: Logins
  readonly loginLimits: LoginLimits
  /** Questions to nodes. */
  readonly calls: NodeCalls
  /** How long the key of a node without tags is good; null for ever. */
  readonly keyLifetimeMs: number | null
}

/**
 * The node that a request speaks for. A node key is no secret: it must belong to the machine of the connection.
 *
 * @throws ControlError 'not-found', 'unauthorized'
 */
export function nodeOfCaller(
  services: MachineServices,
  caller: Caller,
  nodeKey: NodePublic,
): FoundNode {
  const found = services.tailnets.findNode(nodeKey)
  if (found === undefined)
    throw new ControlError('not-found', 'No node with this key; log in again')
  if (found.node.row.machineKey !== caller.machineKey) {
    throw new ControlError('unauthorized', 'This node key belongs to another machine')
  }
  return found
}
