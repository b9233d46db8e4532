// SPDX-License-Identifier: Apache-2.0

/**
 * How much memory the bodies of requests may take while they arrive.
 *
 * Anybody gets a control connection under a machine key just made, with hundreds of streams on it. So a
 * machine that has no node here may send little, and of all such bodies together only so many are under way:
 * one more ends the oldest, which is the slowest, not the newest, which may be somebody who wants to join.
 * A machine that has a node has a budget of its own, so that it can exhaust nobody else's.
 *
 * @module
 */

import type { MachinePublic } from '@signet/keys'
import { ControlError } from '../errors.ts'
import {
  MAX_BODY_BYTES_PER_MACHINE,
  MAX_STRANGER_BODIES,
  MAX_STRANGER_BODY_BYTES,
} from '../limits.ts'

/** Room for one body. */
export interface BodyRoom extends Disposable {
  /** Most that the body may have. */
  readonly limit: number
  /** Aborted when the room is taken away. */
  readonly signal: AbortSignal
}

/** Gives out room for bodies. */
export interface BodyBudget {
  /** Takes room for a body on a path that takes `limit` bytes. @throws ControlError 'rate-limited' */
  enter(machineKey: MachinePublic, isKnown: boolean, limit: number): BodyRoom
}

/** Makes a budget of which nothing is used. */
export function createBodyBudget(): BodyBudget {
  /** Oldest first. */
  const strangers = new Set<AbortController>()
  const reserved = new Map<MachinePublic, number>()

  const enterStranger = (limit: number): BodyRoom => {
    const giveUp = new AbortController()
    strangers.add(giveUp)
    const [oldest] = strangers
    if (strangers.size > MAX_STRANGER_BODIES && oldest !== undefined) {
      strangers.delete(oldest)
      oldest.abort()
    }
    return {
      limit: Math.min(limit, MAX_STRANGER_BODY_BYTES),
      signal: giveUp.signal,
      [Symbol.dispose]: () => void strangers.delete(giveUp),
    }
  }

  const enterKnown = (machineKey: MachinePublic, limit: number): BodyRoom => {
    const before = reserved.get(machineKey) ?? 0
    if (before + limit > MAX_BODY_BYTES_PER_MACHINE) {
      throw new ControlError('rate-limited', 'Too many requests at once; wait for their answers', {
        retryAfterSeconds: 1,
      })
    }
    reserved.set(machineKey, before + limit)
    return {
      limit,
      signal: new AbortController().signal,
      [Symbol.dispose]() {
        const left = (reserved.get(machineKey) ?? limit) - limit
        if (left === 0) reserved.delete(machineKey)
        else reserved.set(machineKey, left)
      },
    }
  }

  return {
    enter: (machineKey, isKnown, limit) =>
      isKnown ? enterKnown(machineKey, limit) : enterStranger(limit),
  }
}
