// SPDX-License-Identifier: Apache-2.0

/**
 * Sockets without manners: bytes go out as they are, and whatever comes back is taken for a while.
 *
 * @module
 */

import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { concatBytes } from '@signet/codec'
import type { MachinePrivate, MachinePublic } from '@signet/keys'
import { createInitiator, RecordWriter } from '@signet/noise'

/** What came back. */
export interface RawAnswer {
  /** Of HTTP/1, if it was that. */
  readonly status: number | null
  readonly bytes: Uint8Array
  readonly closed: boolean
}

/** A socket and all that has come from it. */
export interface RawSocket {
  readonly socket: Socket
  received(): Uint8Array
  readonly isClosed: () => boolean
  /** Resolves when something came, when it was closed, or after this long. */
  more(ms: number): Promise<void>
}

/** Opens a socket. */
export async function openRaw(port: number): Promise<RawSocket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const chunks: Uint8Array[] = []
  const state = { closed: false }
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('end', () => void (state.closed = true))
  socket.on('close', () => void (state.closed = true))
  await once(socket, 'connect')
  return {
    socket,
    received: () => concatBytes(...chunks),
    isClosed: () => state.closed,
    async more(ms) {
      if (state.closed) return
      const done = new AbortController()
      const events = ['data', 'end', 'close'].map((name) =>
        once(socket, name, { signal: done.signal }).catch(() => {}),
      )
      await Promise.race([...events, sleep(ms, undefined, { signal: done.signal }).catch(() => {})])
      done.abort()
    },
  }
}

/** Sends bytes and takes what comes back for at most this long. */
export async function talk(
  port: number,
  bytes: Uint8Array | string,
  ms: number,
): Promise<RawAnswer> {
  const raw = await openRaw(port)
  raw.socket.write(bytes)
  const end = Date.now() + ms
  await raw.more(ms)
  while (!raw.isClosed() && Date.now() < end && statusOf(raw.received()) === null) {
    await raw.more(end - Date.now())
  }
  const answer = {
    status: statusOf(raw.received()),
    bytes: raw.received(),
    closed: raw.isClosed(),
  }
  raw.socket.destroy()
  return answer
}

/** A control connection in which anything can be said. */
export interface RawNoise {
  readonly raw: RawSocket
  /** Seals bytes as records and sends them. */
  say(plaintext: Uint8Array): void
}

/** Shakes hands properly; what follows is up to the caller. */
export async function shakeHands(
  port: number,
  keys: { readonly machineKey: MachinePrivate; readonly serverKey: MachinePublic },
): Promise<RawNoise> {
  const initiator = createInitiator({ ...keys, version: 145 })
  const raw = await openRaw(port)
  raw.socket.write(upgradeRequest(initiator.initiation))
  for (let tries = 0; tries < 50; tries++) {
    await raw.more(200)
    const all = raw.received()
    const body = Buffer.from(all).indexOf('\r\n\r\n') + 4
    const result = body < 4 ? undefined : initiator.readResponse(all.subarray(body))
    if (result === undefined) continue
    const writer = new RecordWriter(result.session.sendKey)
    return { raw, say: (plaintext) => void raw.socket.write(writer.seal(plaintext)) }
  }
  raw.socket.destroy()
  throw new Error('No answer to a handshake')
}

/** The request that begins a control connection. */
export function upgradeRequest(initiation: Uint8Array): string {
  return [
    'POST /ts2021 HTTP/1.1',
    'Host: 127.0.0.1',
    'Upgrade: tailscale-control-protocol',
    'Connection: upgrade',
    `X-Tailscale-Handshake: ${Buffer.from(initiation).toString('base64')}`,
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n')
}

function statusOf(bytes: Uint8Array): number | null {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(Buffer.from(bytes).toString('latin1'))?.[1]
  return status === undefined ? null : Number(status)
}
