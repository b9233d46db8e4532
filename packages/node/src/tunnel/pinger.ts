// SPDX-License-Identifier: Apache-2.0

/**
 * Pings through the tunnel: echo of the other side's IP stack (ICMP), or of its node (TSMP). Works
 * above any driver, because answers to pings of our own are taken out before the driver.
 *
 * @module
 */

import { equalBytes, toHex } from '@signet/codec'
import type { Clock } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { encodeIcmpEcho, parseIcmpEcho } from './icmp.ts'
import type { IpPacket } from './packet.ts'
import { encodeTsmpPing, parseTsmp } from './tsmp.ts'

/** Who answers: the other side's IP stack, or its node itself. */
export type PingKind = 'ICMP' | 'TSMP'

const TOKEN = 8

/** Pings that may wait for an answer at once; more are refused. */
const MAX_WAITING = 1024

interface Waiting {
  readonly kind: PingKind
  readonly destination: Uint8Array
  readonly answered: () => void
  readonly failed: (error: NodeError) => void
}

/** Pings that wait for their answers. */
export interface Pinger {
  /**
   * Resolves with the milliseconds until the answer.
   *
   * @throws NodeError `timeout`, `closed`, `bad-argument` when too many wait.
   */
  ping(input: {
    readonly kind: PingKind
    readonly source: Uint8Array
    readonly destination: Uint8Array
    readonly timeoutMs: number
  }): Promise<number>
  /** Returns whether a packet was the answer to a ping of ours; then it goes no further. */
  takeReply(packet: IpPacket): boolean
  /** Fails all that wait. */
  close(): void
}

/** Returns a pinger that sends packets with `send`. */
export function createPinger(options: {
  readonly clock: Clock
  readonly random: (length: number) => Uint8Array
  readonly send: (packet: Uint8Array) => void
}): Pinger {
  const { clock, random, send } = options
  const waiting = new Map<string, Waiting>()

  function answer(kind: PingKind, token: Uint8Array, source: Uint8Array): boolean {
    const entry = waiting.get(toHex(token))
    if (entry === undefined || entry.kind !== kind) return false
    if (!equalBytes(entry.destination, source)) return false
    entry.answered()
    return true
  }

  return {
    async ping({ kind, source, destination, timeoutMs }) {
      if (waiting.size >= MAX_WAITING) {
        throw new NodeError('bad-argument', `Cannot ping: ${MAX_WAITING} pings are waiting`)
      }
      const token = random(TOKEN)
      const id = toHex(token)
      const sentAt = clock.now()
      return await new Promise<number>((resolve, reject) => {
        const cancel = clock.schedule(timeoutMs, () => {
          waiting.delete(id)
          reject(new NodeError('timeout', `Cannot ping: no answer within ${timeoutMs} ms`))
        })
        waiting.set(id, {
          kind,
          destination,
          answered() {
            waiting.delete(id)
            cancel()
            resolve(clock.now() - sentAt)
          },
          failed(error) {
            waiting.delete(id)
            cancel()
            reject(error)
          },
        })
        send(encodePing(kind, source, destination, token))
      })
    },
    takeReply(packet) {
      const echo = parseIcmpEcho(packet)
      if (echo !== null) return echo.kind === 'reply' && answer('ICMP', echo.data, packet.source)
      const tsmp = parseTsmp(packet)
      return tsmp?.kind === 'pong' && answer('TSMP', tsmp.token, packet.source)
    },
    close() {
      for (const entry of waiting.values()) {
        entry.failed(new NodeError('closed', 'Cannot ping: the tunnel was closed'))
      }
    },
  }
}

function encodePing(
  kind: PingKind,
  source: Uint8Array,
  destination: Uint8Array,
  token: Uint8Array,
): Uint8Array {
  if (kind === 'TSMP') return encodeTsmpPing(source, destination, token)
  const id = ((token[0] ?? 0) << 8) | (token[1] ?? 0)
  return encodeIcmpEcho(source, destination, { kind: 'request', id, sequence: 1, data: token })
}
