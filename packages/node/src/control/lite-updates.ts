// SPDX-License-Identifier: Apache-2.0

/**
 * Lite updates: what this node tells the server about itself (endpoints, host, lock head). Only the
 * newest state is ever sent, and it is sent until the server has it.
 *
 * @module
 */

import { encodeMapRequest, type MapRequest } from '@signet/protocol'
import { sleep, withDeadline, type Clock } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { callMs, maxReplyBytes } from '../limits.ts'
import { createBackoff } from './backoff.ts'
import { readReply, refuse, type ControlLink } from './link.ts'

/** What updates need. */
export type LiteUpdatesOptions = {
  readonly link: ControlLink
  readonly clock: Clock
  readonly random: () => number
  /** The present state, or undefined when there is nothing to tell. */
  readonly describe: () => MapRequest | undefined
  readonly onFailure: (error: unknown) => void
  readonly signal: AbortSignal
}

/** Tells the server, sooner or later. */
export type LiteUpdates = {
  /** Something changed. Cheap, may be called for every change. */
  send(): void
  /** Settles when the server has the newest state, or the node is closing. */
  settled(): Promise<void>
}

/** Creates an updater that has nothing to tell yet. */
export function createLiteUpdates(options: LiteUpdatesOptions): LiteUpdates {
  const { link, clock, signal } = options
  const backoff = createBackoff(options.random)
  let wanted = 0
  let sent = 0
  let running: Promise<void> | undefined
  let lastBody = ''

  const run = async (): Promise<void> => {
    // Changes of one moment become one update.
    await Promise.resolve()
    while (sent < wanted && !signal.aborted) {
      const generation = wanted
      const request = options.describe()
      const body = request && encodeMapRequest({ ...request, Stream: false, OmitPeers: true })
      try {
        if (body !== undefined && body !== lastBody) {
          await post(body, request?.NodeKey ?? '')
          lastBody = body
        }
        sent = generation
        backoff.reset()
      } catch (error) {
        if (signal.aborted) return
        options.onFailure(error)
        await sleep(clock, backoff.next(), signal).catch(() => undefined)
      }
    }
  }

  const post = async (body: string, nodeKey: string): Promise<void> => {
    const late = (): Error => new NodeError('timeout', 'No answer to an update')
    await withDeadline(clock, callMs, signal, late, async (until) => {
      const reply = await link.request({
        method: 'POST',
        path: '/machine/map',
        body,
        headers: { 'ts-lb': nodeKey },
        signal: until,
      })
      if (reply.status !== 200) await refuse(reply, clock.now)
      await readReply(reply, maxReplyBytes)
    })
  }

  return {
    send() {
      wanted++
      running ??= run().finally(() => {
        running = undefined
      })
    },
    async settled() {
      await running
    },
  }
}
