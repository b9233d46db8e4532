// SPDX-License-Identifier: Apache-2.0

/**
 * The login of a start with an auth key.
 *
 * Programs start a node with an auth key and then ask for a login. The start logs in by itself, with the node key that
 * there is; if that needs a new one (there is none, or it has expired), the login that is asked for is this one.
 * Cutting it off halfway would lose the signature that a server hands out only once.
 *
 * @module
 */

import type { Clock } from './clock.ts'

/** Programs ask right after the start; a login that is asked for later is another matter. */
const RECENT_MS = 30_000

/** What a login that is asked for has to do. */
export type Asked =
  /** Nothing: what was asked for is done, or under way. */
  | { readonly kind: 'nothing' }
  /** Begin, with this auth key; '' for none. */
  | { readonly kind: 'begin'; readonly authKey: string }

/** See the module comment. */
export type StartedLogin = {
  /** A start begins its login; without an auth key there is nothing to remember. */
  started(authKey: string): void
  /**
   * A login is over, with a new node key or the same one. Returns the auth key with which another has to begin, because
   * a new node key was asked for; else null.
   */
  over(isNewKey: boolean): string | null
  asked(): Asked
  /** The login failed, or the node logs out. */
  forget(): void
}

/** Creates one that knows of no start. */
export function createStartedLogin(clock: Clock): StartedLogin {
  let authKey = ''
  let until = 0
  let isAsked = false
  let outcome: 'new-key' | 'same-key' | null = null

  const forget = (): void => {
    authKey = ''
    isAsked = false
    outcome = null
  }
  return {
    started(key) {
      forget()
      authKey = key
      until = clock.now() + RECENT_MS
    },
    over(isNewKey) {
      if (authKey === '') return null
      outcome = isNewKey ? 'new-key' : 'same-key'
      if (!isAsked) return null
      const key = authKey
      forget()
      return isNewKey ? null : key
    },
    asked() {
      const isRecent = authKey !== '' && clock.now() < until
      if (isRecent && outcome === null) {
        isAsked = true
        return { kind: 'nothing' }
      }
      const asked: Asked =
        isRecent && outcome === 'new-key'
          ? { kind: 'nothing' }
          : { kind: 'begin', authKey: isRecent ? authKey : '' }
      forget()
      return asked
    },
    forget,
  }
}
