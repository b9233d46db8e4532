// SPDX-License-Identifier: Apache-2.0

/**
 * A client of the relay in a process of its own: `relay-client-process.ts PORT PRIVATE-KEY`. Sends packets as fast as
 * its socket takes them, counts those that arrive, or stops reading, as it is told.
 *
 * @module
 */

import { once } from 'node:events'
import { connect } from 'node:net'
import {
  encodeClientInfo,
  encodeSendPacket,
  FrameReader,
  FrameType,
  GreetingReader,
} from '@signet/derp'
import { parseNodePrivate, parseNodePublic } from '@signet/keys'

/** What a client is told to do. Each order is answered with what has arrived so far. */
export type RelayOrder =
  | { readonly send: number; readonly to: string; readonly size: number }
  | { readonly read: boolean }

/** Packets that arrived, and packets that were sent by the last order. */
export interface RelayCount {
  readonly arrived: number
  readonly sent: number
}

/** Packets to a write: what a busy client has ready. */
const BATCH = 32

const port = Number(process.argv[2])
const clientKey = parseNodePrivate(process.argv[3] ?? '')
const socket = connect({ port, host: '127.0.0.1', noDelay: true })
let arrived = 0
const reader = new FrameReader(() => true)
const greeting = new GreetingReader()
let isGreeted = false

function take(chunk: Uint8Array): void {
  reader.push(chunk, (buffer, start) => {
    if (buffer[start] === FrameType.RecvPacket) arrived++
    if (buffer[start] === FrameType.ServerInfo) answer(0)
  })
}

function answer(sent: number): void {
  process.send?.({ arrived, sent } satisfies RelayCount)
}

socket.on('data', (chunk) => {
  if (isGreeted) return take(chunk)
  const found = greeting.push(chunk)
  if (found === undefined) return
  isGreeted = true
  const info = { version: 2, canAckPings: true, isProber: false, appName: '', meshKey: null }
  const nonce = crypto.getRandomValues(new Uint8Array(24))
  socket.write(encodeClientInfo({ clientKey, serverKey: found.serverKey, nonce, info }))
  take(found.rest)
})
socket.write(
  'GET /derp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: DERP\r\nDerp-Fast-Start: 1\r\n\r\n',
)

process.on('message', (order: RelayOrder) => void obey(order))

async function obey(order: RelayOrder): Promise<void> {
  if ('read' in order) {
    if (order.read) socket.resume()
    else socket.pause()
    answer(0)
    return
  }
  const frame = encodeSendPacket(parseNodePublic(order.to), new Uint8Array(order.size))
  const batch = Buffer.concat(Array.from({ length: BATCH }, () => frame))
  const end = performance.now() + order.send
  let sent = 0
  while (performance.now() < end) {
    sent += BATCH
    if (!socket.write(batch)) await once(socket, 'drain')
  }
  answer(sent)
}
