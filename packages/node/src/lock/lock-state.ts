// SPDX-License-Identifier: Apache-2.0

/**
 * Where this node stands with the lock, and what that means for the gate.
 *
 *              the server shows a lock, it verifies
 *     off ─────────────────────────────────────────────> on
 *      │ a lock is announced or pinned,                  │ │ the right secret: off
 *      │ and not found                                   │ │ local-disable: left
 *      └───────> awaiting (nobody gets in) ──────────────┘ │
 *                                                          │ store missing or damaged
 *                                       broken (nobody gets in)
 *
 * @module
 */

import type { Authority } from '@signet/tka'
import type { GateLock } from './gate.ts'
import type { RotationMemory } from './rotation-memory.ts'

/** The state of the lock on this node. */
export type LockState =
  /** No lock was ever in force here, or it was ended with the right secret. */
  | { readonly kind: 'off' }
  /** The owner of this node left the lock with local-disable. */
  | { readonly kind: 'left'; readonly stateId: string }
  /** A lock has to be found before anybody gets in. */
  | { readonly kind: 'awaiting'; readonly why: string }
  | { readonly kind: 'on'; readonly authority: Authority; readonly memory: RotationMemory }
  /** A lock was in force here and cannot be read. */
  | { readonly kind: 'broken'; readonly why: string }

/** What the gate does in a state. Whatever is not understood is closed. */
export function gateLock(state: LockState): GateLock {
  switch (state.kind) {
    case 'off':
    case 'left':
      return { kind: 'open' }
    case 'on':
      return { kind: 'locked', authority: state.authority, memory: state.memory }
    case 'awaiting':
    case 'broken':
      return { kind: 'closed' }
    default: {
      const unknown: never = state
      return unknown
    }
  }
}
