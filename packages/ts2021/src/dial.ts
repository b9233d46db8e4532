// SPDX-License-Identifier: Apache-2.0

/**
 * The client's side: HTTP upgrade, Noise handshake, then HTTP/2.
 *
 * @module
 */

import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'
import { concatBytes, decodeUtf8, toBase64 } from '@signet/codec'
import type { MachinePrivate, MachinePublic } from '@signet/keys'
import {
  createInitiator,
  type Initiator,
  type InitiatorResult,
  RESPONSE_LENGTH,
} from '@signet/noise'
import { HANDSHAKE_HEADER, UPGRADE_PROTOCOL } from './accept.ts'
import { type ControlConnection, createControlConnection } from './connection.ts'
import { Ts2021Error } from './errors.ts'
import { DIAL_TIMEOUT, MAX_ERROR_TEXT } from './limits.ts'
import { noiseStream } from './noise-stream.ts'
import { readBody } from './read-body.ts'

/** Whom to connect to, and as whom. */
export interface DialOptions {
  /** The control server's URL, `http:` or `https:`. */
  readonly url: string
  readonly machineKey: MachinePrivate
  readonly serverKey: MachinePublic
  /** The client's capability version. */
  readonly version: number
  /** Gives up the dialling; it does not end an established connection. */
  readonly signal?: AbortSignal | undefined
  /** In milliseconds, for connection and handshake together. */
  readonly timeout?: number | undefined
}

/** An error text may be longer than the server's handshake response, by this much. */
const MAX_HANDSHAKE_BYTES = RESPONSE_LENGTH + 65_536

/**
 * Connects to a control server.
 *
 * @throws Ts2021Error `unreachable`, `bad-upgrade`, `handshake`, `timeout`, `closed`
 */
export async function dialControl(options: DialOptions): Promise<ControlConnection> {
  const { signal, timeout = DIAL_TIMEOUT } = options
  const url = new URL('/ts2021', options.url)
  const initiator = createInitiator(options)
  const request = startRequest(url, initiator)
  let socket: Duplex | undefined
  const abort = (error: Ts2021Error): void => {
    request.destroy(error)
    socket?.destroy(error)
  }
  const onAbort = (): void => abort(new Ts2021Error('closed', 'Cannot connect: given up'))
  const deadline = setTimeout(
    () => abort(new Ts2021Error('timeout', `Cannot connect to ${url.host}: no answer in time`)),
    timeout,
  )
  signal?.addEventListener('abort', onAbort)
  try {
    if (signal?.aborted === true) onAbort()
    const upgraded = await upgrade(request, url)
    socket = upgraded.socket
    const { session, rest } = await readHandshake(socket, upgraded.head, initiator)
    const duplex = noiseStream({ socket, head: rest, session, expectEarlyPayload: true })
    return createControlConnection(duplex, url.host)
  } catch (error) {
    request.destroy()
    socket?.destroy()
    throw error
  } finally {
    clearTimeout(deadline)
    signal?.removeEventListener('abort', onAbort)
  }
}

function startRequest(url: URL, initiator: Initiator): ClientRequest {
  const options = {
    method: 'POST',
    agent: false,
    headers: {
      Connection: 'upgrade',
      Upgrade: UPGRADE_PROTOCOL,
      [HANDSHAKE_HEADER]: toBase64(initiator.initiation),
      'Content-Length': '0',
    },
  } as const
  // The Noise handshake proves who the server is; a bad certificate on the way changes nothing.
  return url.protocol === 'https:'
    ? httpsRequest(url, { ...options, rejectUnauthorized: false })
    : httpRequest(url, options)
}

function upgrade(request: ClientRequest, url: URL): Promise<{ socket: Duplex; head: Uint8Array }> {
  return new Promise((resolve, reject) => {
    request.on('error', (cause) => {
      if (cause instanceof Ts2021Error) reject(cause)
      else
        reject(
          new Ts2021Error('unreachable', `Cannot reach ${url.host}: ${cause.message}`, { cause }),
        )
    })
    request.on('upgrade', (response: IncomingMessage, socket: Duplex, head: Uint8Array) => {
      socket.on('error', () => socket.destroy())
      if (response.headers.upgrade === UPGRADE_PROTOCOL) {
        resolve({ socket, head })
        return
      }
      socket.destroy()
      reject(
        new Ts2021Error('bad-upgrade', `Cannot connect to ${url.host}: it speaks another protocol`),
      )
    })
    request.on('response', (response: IncomingMessage) => {
      void refusal(url, response)
        .then(reject)
        .finally(() => request.destroy())
    })
    request.end()
  })
}

async function refusal(url: URL, response: IncomingMessage): Promise<Ts2021Error> {
  let text = ''
  try {
    text = decodeUtf8(await readBody(response, MAX_ERROR_TEXT)).trim()
  } catch {
    // Too long, cut or not text: the status has to do.
  }
  const said = `HTTP status ${response.statusCode} ${JSON.stringify(text)}`
  return new Ts2021Error('bad-upgrade', `Cannot connect to ${url.host}: ${said}`)
}

/** Reads from the socket until the server's Noise message is complete. */
function readHandshake(
  socket: Duplex,
  head: Uint8Array,
  initiator: Initiator,
): Promise<InitiatorResult> {
  return new Promise((resolve, reject) => {
    let received = head
    const finish = (act: () => void): void => {
      socket.pause()
      socket.off('data', onData)
      socket.off('error', onError)
      socket.off('close', onClose)
      socket.off('end', onClose)
      act()
    }
    const attempt = (): void => {
      try {
        const result = initiator.readResponse(received)
        if (result !== undefined) finish(() => resolve(result))
        else if (received.length > MAX_HANDSHAKE_BYTES) onClose()
      } catch (cause) {
        const said = cause instanceof Error ? `: ${cause.message}` : ''
        finish(() => reject(new Ts2021Error('handshake', `Handshake failed${said}`, { cause })))
      }
    }
    const onData = (chunk: Uint8Array): void => {
      received = concatBytes(received, chunk)
      attempt()
    }
    const onError = (cause: Error): void =>
      finish(() =>
        reject(
          cause instanceof Ts2021Error
            ? cause
            : new Ts2021Error('closed', 'Handshake failed: connection lost', { cause }),
        ),
      )
    const onClose = (): void =>
      finish(() => reject(new Ts2021Error('closed', 'Handshake failed: connection closed')))
    socket.on('data', onData)
    socket.on('error', onError)
    socket.on('close', onClose)
    socket.on('end', onClose)
    attempt()
  })
}
