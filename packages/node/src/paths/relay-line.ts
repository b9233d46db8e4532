// SPDX-License-Identifier: Apache-2.0

/**
 * One connection to a relay of one region: made again whenever it breaks, until it is closed.
 *
 *     waiting --> dialling --> greeting --> ready
 *        ^           |            |           |
 *        └───────────┴────────────┴───────────┘  whatever goes wrong
 *
 * A relay can do nothing but lose, delay and repeat packets, and make some up: what they are worth is
 * judged by those who read them. Whatever else it says ends the connection at most.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  DERP_VERSION,
  encodeClientInfo,
  encodeNotePreferred,
  encodePong,
  encodeSendPacket,
  GreetingReader,
  MAX_PACKET,
  Outbox,
  type RelayTransport,
  type ServerMessage,
  ServerMessageReader,
} from '@signet/derp'
import type { NodePrivate, NodePublic } from '@signet/keys'
import type { Clock } from '../clock.ts'
import { createBackoff } from '../control/backoff.ts'
import { reasonOf } from '../errors.ts'
import type { Dialling, RelayDialer, RelayTarget } from './relay-dial.ts'
import {
  CONNECT_MS,
  MAX_RESTART_MS,
  MAX_WAITING_PACKETS,
  RETRY_STEP_MS,
  SILENCE_MS,
  STEADY_MS,
} from './relay-limits.ts'

/** What a line is made from. */
export interface RelayLineOptions {
  /** At least one; tried in turn. */
  readonly targets: readonly RelayTarget[]
  readonly key: NodePrivate
  readonly dialer: RelayDialer
  readonly clock: Clock
  readonly random: () => number
  /** Takes a packet; its bytes are the callee's. */
  readonly onPacket: (packet: Uint8Array, source: NodePublic) => void
  /** Called when it begins to work, and when it stops or another attempt failed. */
  readonly onChange: (state: { readonly isReady: boolean; readonly reason: string }) => void
}

/** See the module comment. */
export interface RelayLine {
  /** Failures in a row; 0 while it works. */
  readonly failures: number
  readonly isReady: boolean
  /** When a packet last went or came. */
  readonly lastUsed: number
  /** Packets that were lost because the relay did not take them. */
  readonly dropped: number
  /** Sends a packet, or keeps it for a moment while there is no connection. */
  send(destination: NodePublic, packet: Uint8Array): void
  /** Says whether this relay is where others find this node. */
  setPreferred(isPreferred: boolean): void
  close(): void
}

/** Starts to connect. */
export function openRelayLine(options: RelayLineOptions): RelayLine {
  const { targets, key, dialer, clock, random, onPacket, onChange } = options
  const backoff = createBackoff(random, RETRY_STEP_MS)
  const waiting: Uint8Array[] = []
  const losses = { droppedQueueFull: 0, droppedGone: 0 }
  let outbox: Outbox | undefined
  let isPreferred = false
  let failures = 0
  let attempts = 0
  let lost = 0
  let restartInMs: number | undefined
  let lastUsed = clock.now()
  let isFlushing = false
  let isClosed = false
  /** Ends what is under way: a wait, an attempt, a connection. */
  let stop = (): void => {}

  const dial = (): void => {
    const target = targets[attempts++ % targets.length]
    if (target === undefined || isClosed) return
    const cancelTimer = clock.schedule(CONNECT_MS, () => {
      dialling.cancel()
      retry('the relay did not answer in time')
    })
    const dialling: Dialling = dialer.dial(target, {
      opened(stream, head) {
        cancelTimer()
        carry(stream, head)
      },
      failed(reason) {
        cancelTimer()
        retry(reason)
      },
    })
    stop = () => {
      cancelTimer()
      dialling.cancel()
    }
  }

  const retry = (reason: string): void => {
    if (isClosed) return
    failures++
    const delay = restartInMs ?? backoff.next()
    restartInMs = undefined
    stop = clock.schedule(delay, dial)
    onChange({ isReady: false, reason })
  }

  const carry = (stream: Duplex, head: Uint8Array): void => {
    if (stream instanceof Socket) stream.setTimeout(0)
    const transport = transportOf(stream)
    const greeting = new GreetingReader()
    const began = clock.now()
    let heardAt = began
    let reader: ServerMessageReader | undefined
    let isOver = false

    const end = (reason: string): void => {
      if (isOver) return
      isOver = true
      cancelListen()
      stream.destroy()
      lost += outbox?.dropped ?? 0
      outbox?.clear()
      outbox = undefined
      if (clock.now() - began >= STEADY_MS && failures === 0) backoff.reset()
      retry(reason)
    }
    const listen = (): void => {
      const left = heardAt + (outbox === undefined ? CONNECT_MS : SILENCE_MS) - clock.now()
      if (left <= 0) end('the relay said nothing for too long')
      else cancelListen = clock.schedule(left, listen)
    }
    let cancelListen = clock.schedule(CONNECT_MS, listen)

    const ready = (): void => {
      if (outbox !== undefined) return
      outbox = new Outbox(transport, losses)
      failures = 0
      if (isPreferred) outbox.notice('preferred', encodeNotePreferred(true))
      for (const frame of waiting.splice(0)) outbox.packet(frame, 0, frame.length)
      outbox.flush()
      onChange({ isReady: true, reason: '' })
    }
    const hear = (message: ServerMessage): void => {
      if (isOver) return
      switch (message.type) {
        case 'server-info':
          // That its box opened proves that the relay has the key that it greeted with.
          ready()
          return
        case 'packet':
          if (outbox === undefined || message.data.length > MAX_PACKET) return
          lastUsed = clock.now()
          // A copy: the chunk that it lies in may be much larger, and somebody may keep it.
          onPacket(new Uint8Array(message.data), message.source)
          return
        case 'ping':
          outbox?.notice('pong', encodePong(message.data))
          flushSoon()
          return
        case 'restarting':
          restartInMs = Math.min(message.reconnectInMs, MAX_RESTART_MS)
          return
        case 'keepalive':
        case 'pong':
        case 'health':
        case 'peer-gone':
        case 'peer-present':
          return
      }
    }
    const take = (chunk: Uint8Array): void => {
      if (isOver) return
      try {
        let rest: Uint8Array | undefined = chunk
        if (reader === undefined) {
          const greeted = greeting.push(chunk)
          rest = greeted?.rest
          if (greeted !== undefined) {
            const { serverKey } = greeted
            reader = new ServerMessageReader(key, serverKey)
            const nonce = new Uint8Array(randomBytes(24))
            transport.write([encodeClientInfo({ clientKey: key, serverKey, nonce, info: INFO })])
          }
        }
        if (rest !== undefined) reader?.push(rest, hear)
        heardAt = clock.now()
      } catch (error) {
        end(reasonOf(error))
      }
    }
    stop = () => {
      isOver = true
      cancelListen()
      stream.destroy()
    }
    stream.on('data', take)
    stream.on('drain', () => outbox?.flush())
    stream.on('error', (error) => end(error.message))
    stream.on('end', () => end('the relay closed the connection'))
    stream.once('close', () => end('the connection was closed'))
    if (head.length > 0) take(head)
  }

  /** Once for all packets of this moment. */
  const flushSoon = (): void => {
    if (isFlushing) return
    isFlushing = true
    queueMicrotask(() => {
      isFlushing = false
      outbox?.flush()
    })
  }

  dial()
  return {
    get failures() {
      return failures
    },
    get isReady() {
      return outbox !== undefined
    },
    get lastUsed() {
      return lastUsed
    },
    get dropped() {
      return lost + (outbox?.dropped ?? 0)
    },
    send(destination, packet) {
      if (isClosed || packet.length > MAX_PACKET) return
      lastUsed = clock.now()
      const frame = encodeSendPacket(destination, packet)
      if (outbox === undefined) {
        if (waiting.length >= MAX_WAITING_PACKETS) {
          waiting.shift()
          lost++
        }
        waiting.push(frame)
        return
      }
      outbox.packet(frame, 0, frame.length)
      flushSoon()
    },
    setPreferred(next) {
      if (next === isPreferred) return
      isPreferred = next
      outbox?.notice('preferred', encodeNotePreferred(next))
      flushSoon()
    },
    close() {
      if (isClosed) return
      isClosed = true
      stop()
      outbox?.clear()
      outbox = undefined
      waiting.length = 0
    },
  }
}

const INFO = {
  version: DERP_VERSION,
  canAckPings: true,
  isProber: false,
  appName: '',
  meshKey: null,
} as const

function transportOf(stream: Duplex): RelayTransport {
  return {
    get backlog() {
      return stream.writableLength
    },
    write(parts) {
      if (stream.destroyed || stream.writableEnded) return
      stream.cork()
      for (const part of parts) stream.write(part)
      stream.uncork()
    },
    close: () => void stream.destroy(),
  }
}
