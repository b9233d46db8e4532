// SPDX-License-Identifier: Apache-2.0

/**
 * What a node is told about the lock. State, not an event: computed when a frame is written.
 *
 *   node reports          active authority   it is told
 *   nothing               none               nothing (or "off", when there ever was one)
 *   anything              none               off: it asks for the secret that ended its authority
 *   nothing               yes                the head: it bootstraps
 *   a head of the active  yes                the head: it syncs if it is behind
 *   a head of a retired   yes                off first; when it has let go, the head
 *   an unknown head       yes                the head: if we lost data, it heals us by sending
 *
 * @module
 */

import { parseAumHash } from '@signet/tka'
import type { AumHash } from '@signet/tka'
import type { LockState } from '../lock/state.ts'

/** A head as text, `off`, or `silent` for a tailnet that was never locked. */
export type LockSignal = string & { readonly __brand: 'LockSignal' }

// The brand marks texts that came through `lockSignalFor`.
const OFF = 'off' as LockSignal
const SILENT = 'silent' as LockSignal

/** How a node stands to the lock, for people. */
export type LockPosition = 'off' | 'in-sync' | 'behind' | 'pending' | 'retired' | 'unknown'

/** What a node that reports `reportedHead` is to be told now. */
export function lockSignalFor(lock: LockState, reportedHead: string): LockSignal {
  const { active } = lock
  if (active === null) return reportedHead === '' && lock.retired.length === 0 ? SILENT : OFF
  // Nearly every node, nearly always: nothing needs to be parsed.
  if (reportedHead === active.headText) return active.headText as LockSignal
  if (lockPosition(lock, reportedHead) === 'retired') return OFF
  return active.headText as LockSignal
}

/** The TKAInfo of a signal as JSON; null when there is nothing to say. */
export function lockSignalJson(signal: LockSignal): string | null {
  if (signal === SILENT) return null
  return signal === OFF ? '{"Disabled":true}' : `{"Head":"${signal}"}`
}

/** Where a node stands that reports this head. */
export function lockPosition(lock: LockState, reportedHead: string): LockPosition {
  const { active } = lock
  if (active !== null && reportedHead === active.headText) return 'in-sync'
  const hash = parseReported(reportedHead)
  if (active === null) {
    if (hash === null) return 'off'
    return lock.retired.some((old) => old.hashes.has(hash)) ? 'retired' : 'unknown'
  }
  if (hash === null) return 'pending'
  if (active.aums.has(hash)) return 'behind'
  return lock.retired.some((old) => old.hashes.has(hash)) ? 'retired' : 'unknown'
}

function parseReported(text: string): AumHash | null {
  if (text === '') return null
  try {
    return parseAumHash(text)
  } catch {
    // Only what parses is ever stored as reported.
    return null
  }
}
