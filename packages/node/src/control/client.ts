// SPDX-License-Identifier: Apache-2.0

/**
 * One session with the control server: log in, then follow the map for as long as the session
 * lives, reconnecting after every failure.
 *
 * @module
 */

import type { MapRequest, MapResponse } from '@signet/protocol'
import { sleep, type Clock } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { steadyStreamMs } from '../limits.ts'
import { createBackoff } from './backoff.ts'
import type { ControlLink } from './link.ts'
import { mapMessages } from './map-stream.ts'
import type { Login, LoginResult } from './register.ts'

/** What a session needs. */
export type ControlSessionOptions = {
  readonly link: ControlLink
  readonly clock: Clock
  readonly random: () => number
  readonly login: Login
  /** Called once, when the server knows this node; must have stored the result when it returns. */
  readonly onLogin: (result: LoginResult) => void
  /** This node's side of the map request, at the time of each stream. */
  readonly describe: () => MapRequest
  /** Every message of the map; `isFirst` marks the first of each stream, which is complete. */
  readonly onMap: (message: MapResponse, isFirst: boolean) => void
  /** The stream is up or down; a failure comes with its error. */
  readonly onStatus: (isUp: boolean, error?: unknown) => void
  readonly signal: AbortSignal
}

/**
 * Runs until the signal is aborted.
 *
 * @throws NodeError control-refused when the server refuses the login: only the user can help
 */
export async function runControlSession(options: ControlSessionOptions): Promise<void> {
  const { signal } = options
  try {
    const result = await logIn(options)
    // An answer that comes after the end is nobody's.
    if (signal.aborted) return
    options.onLogin(result)
    await followMap(options)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function logIn({
  login,
  clock,
  random,
  onStatus,
  signal,
}: ControlSessionOptions): Promise<LoginResult> {
  const backoff = createBackoff(random)
  for (;;) {
    try {
      return await login.attempt()
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error
      onStatus(false, error)
      const slowDown = error instanceof NodeError ? error.retryAfterMs : undefined
      await sleep(clock, slowDown ?? backoff.next(), signal)
    }
  }
}

/** The server understood and said no. A server that is broken (5xx) may come back. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof NodeError)) return false
  if (error.code === 'control-protocol') return true
  return error.code === 'control-refused' && (error.status ?? 0) < 500
}

async function followMap(options: ControlSessionOptions): Promise<void> {
  const { link, clock, random, signal } = options
  const backoff = createBackoff(random)
  while (!signal.aborted) {
    const startedAt = clock.now()
    try {
      let isFirst = true
      for await (const message of mapMessages({
        link,
        clock,
        signal,
        request: { ...options.describe(), Stream: true, KeepAlive: true, Compress: 'zstd' },
      })) {
        if (isFirst && message.Node === undefined) {
          throw new NodeError('control-protocol', 'The first message of the map lacks this node')
        }
        if (signal.aborted) return
        options.onStatus(true)
        options.onMap(message, isFirst)
        isFirst = false
      }
      options.onStatus(false)
    } catch (error) {
      if (signal.aborted) return
      options.onStatus(false, error)
      // A stream that was cut says nothing good about its connection.
      link.reset()
    }
    // A server that shows a map and hangs up, again and again, is not one that works.
    if (clock.now() - startedAt >= steadyStreamMs) backoff.reset()
    await sleep(clock, backoff.next(), signal)
  }
}
