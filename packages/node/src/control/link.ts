// SPDX-License-Identifier: Apache-2.0

/**
 * One line to the control server, shared by everything that asks it something: a Noise connection
 * that is dialled when needed, and given up when it fails.
 *
 * @module
 */

import { decodeUtf8 } from '@signet/codec'
import { NodeError, reasonOf } from '../errors.ts'
import { maxErrorTextChars } from '../limits.ts'

/** One request. */
export type ControlCall = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** One reply whose body has not been read. */
export type ControlReply = {
  readonly status: number
  /** Seconds or a date, when the server asks to slow down. */
  readonly retryAfter?: string | undefined
  /** Reads the whole body, one of at most so many bytes. */
  body(limit: number): Promise<Uint8Array>
  /** The body as it comes, for bodies that do not end. Stop reading to give it up. */
  chunks(): AsyncIterable<Uint8Array>
}

/** One authenticated connection. */
export type ControlConnection = {
  request(call: ControlCall): Promise<ControlReply>
  /** True once nothing can be sent on it any more. */
  readonly isClosed?: () => boolean
  close(): void
}

/** Makes connections. */
export type DialControl = (signal: AbortSignal) => Promise<ControlConnection>

/** Requests over whatever connection there is. */
export type ControlLink = {
  request(call: ControlCall): Promise<ControlReply>
  /** Gives up the connection; the next request dials anew. */
  reset(): void
  close(): void
}

/** Creates a link that is not connected yet. */
export function createControlLink(dial: DialControl): ControlLink {
  const closing = new AbortController()
  let connection: Promise<ControlConnection> | undefined

  const reset = (): void => {
    const old = connection
    connection = undefined
    if (old) void giveUp(old)
  }

  /** Gives up a connection that was cut since it was used last. */
  const dropIfCut = async (): Promise<void> => {
    const used = connection
    const open = await used?.catch(() => undefined)
    if (open?.isClosed?.() === true && connection === used) reset()
  }

  return {
    async request(call) {
      await dropIfCut()
      if (closing.signal.aborted) throw new NodeError('closed', 'The node is closing')
      const used = (connection ??= dial(closing.signal))
      try {
        return await (await used).request(call)
      } catch (cause) {
        // A request that its owner gave up says nothing about the connection.
        if (call.signal.aborted) throw cause
        if (connection === used) reset()
        if (cause instanceof NodeError) throw cause
        throw new NodeError('control-unreachable', `Cannot reach the server: ${reasonOf(cause)}`, {
          cause,
        })
      }
    },
    reset,
    close() {
      closing.abort(new NodeError('closed', 'The node is closing'))
      reset()
    },
  }
}

async function giveUp(connection: Promise<ControlConnection>): Promise<void> {
  try {
    const open = await connection
    open.close()
  } catch {
    // It never opened, and whoever asked for it was told.
  }
}

/**
 * Reads a whole body, at most `limit` bytes.
 *
 * @throws NodeError control-unreachable
 */
export async function readReply(reply: ControlReply, limit: number): Promise<Uint8Array> {
  try {
    return await reply.body(limit)
  } catch (cause) {
    throw new NodeError(
      'control-unreachable',
      `Cannot read the server's reply: ${reasonOf(cause)}`,
      { cause },
    )
  }
}

/**
 * Turns a refusal into an error that carries the server's words, as far as they may be shown.
 *
 * @throws NodeError control-refused, control-rate-limited
 */
export async function refuse(reply: ControlReply, now: () => number): Promise<never> {
  const text = shownText(await readReply(reply, 64 * 1024).catch(() => new Uint8Array()))
  if (reply.status === 429) {
    throw new NodeError('control-rate-limited', 'The server asks to slow down', {
      retryAfterMs: retryAfterMs(reply.retryAfter, now()),
    })
  }
  throw new NodeError('control-refused', `request returned (${reply.status}): ${text}`, {
    status: reply.status,
  })
}

function shownText(body: Uint8Array): string {
  try {
    return decodeUtf8(body).trim().slice(0, maxErrorTextChars)
  } catch {
    return '(not text)'
  }
}

/** What a server that names no time gets. */
const defaultRetryMs = 7_000
/** A server cannot send us away for longer. */
const longestRetryMs = 60 * 60_000

function retryAfterMs(header: string | undefined, now: number): number {
  if (header === undefined) return defaultRetryMs
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), longestRetryMs) : defaultRetryMs
}
