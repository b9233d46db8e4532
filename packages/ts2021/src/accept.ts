// SPDX-License-Identifier: Apache-2.0

/**
 * The server's side of the upgrade from HTTP to the control protocol: `POST /ts2021`.
 *
 * The client's first Noise message comes with the request, so the server's answer to it goes out
 * together with the 101. A refusal of the Noise message comes after the 101 as well, since it is a
 * message of the new protocol.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { CodecError, concatBytes, encodeUtf8, fromBase64 } from '@signet/codec'
import type { MachinePrivate, MachinePublic } from '@signet/keys'
import { NoiseError, respond, type ResponderResult } from '@signet/noise'
import { Ts2021Error } from './errors.ts'
import { LINGER } from './limits.ts'
import { NoiseLink } from './noise-link.ts'

/** The name under which HTTP knows the control protocol. */
export const UPGRADE_PROTOCOL = 'tailscale-control-protocol'

/** The header with the client's first Noise message. */
export const HANDSHAKE_HEADER = 'X-Tailscale-Handshake'

/** A client that completed the handshake. */
export interface AcceptedClient {
  /** Plaintext in both directions. Destroy it to close the connection. */
  readonly link: NoiseLink
  /** Who the client is, and all that is known about it. */
  readonly machineKey: MachinePublic
  /** The client's capability version. */
  readonly version: number
  /** Names this connection; the same on both sides. */
  readonly handshakeHash: Uint8Array
}

/** What {@link acceptUpgrade} works on: the arguments of Node's `upgrade` event, and our key. */
export interface AcceptOptions {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Uint8Array
  readonly serverKey: MachinePrivate
  /** Bytes to be sent before HTTP/2, such as an early payload. */
  readonly initial?: Uint8Array | undefined
  /** How long a refused client may take to read why, in milliseconds. */
  readonly linger?: number | undefined
  /** A fresh key; only tests pass one. */
  readonly ephemeral?: MachinePrivate | undefined
}

/**
 * Answers an upgrade request. On failure the client has been answered as far as the protocol says
 * and the socket is closed. Costs a few X25519 operations, and waits for nothing.
 *
 * @throws Ts2021Error `bad-upgrade`, `handshake`
 */
export function acceptUpgrade(options: AcceptOptions): AcceptedClient {
  const { request, socket, head, serverKey, initial, linger = LINGER, ephemeral } = options
  // From here on the socket is ours, and an unheard error would end the process.
  socket.on('error', () => socket.destroy())
  const initiation = readInitiation(request, socket, linger)
  const switching = encodeUtf8(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${UPGRADE_PROTOCOL}\r\nConnection: upgrade\r\n\r\n`,
  )
  return answerHandshake(socket, head, switching, initiation, {
    serverKey,
    initial,
    linger,
    ephemeral,
  })
}

/** What {@link acceptStream} works on. */
export interface AcceptStreamOptions extends Pick<
  AcceptOptions,
  'serverKey' | 'initial' | 'linger'
> {
  /** Bytes in both directions, such as the messages of a WebSocket. */
  readonly stream: Duplex
  /** The client's first Noise message, in base64 as it came with the request. */
  readonly handshake: string
}

/**
 * Answers a client whose bytes already flow both ways: the answer to its handshake is the first of them. On
 * failure it has been answered as far as the protocol says and the stream is closed.
 *
 * @throws Ts2021Error `bad-upgrade`, `handshake`
 */
export function acceptStream(options: AcceptStreamOptions): AcceptedClient {
  const { stream, handshake, serverKey, initial, linger = LINGER } = options
  stream.on('error', () => stream.destroy())
  let initiation: Uint8Array
  try {
    initiation = fromBase64(handshake)
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause
    stream.destroy()
    throw new Ts2021Error('bad-upgrade', 'Refused upgrade: invalid handshake', { cause })
  }
  return answerHandshake(stream, new Uint8Array(), new Uint8Array(), initiation, {
    serverKey,
    initial,
    linger,
  })
}

function answerHandshake(
  socket: Duplex,
  head: Uint8Array,
  preamble: Uint8Array,
  initiation: Uint8Array,
  options: Pick<AcceptOptions, 'serverKey' | 'initial' | 'ephemeral'> & { readonly linger: number },
): AcceptedClient {
  const { serverKey, initial, linger, ephemeral } = options
  let result: ResponderResult
  try {
    result = respond({ serverKey, initiation, ...(ephemeral !== undefined && { ephemeral }) })
  } catch (cause) {
    if (!(cause instanceof NoiseError)) throw cause
    sayLast(socket, concatBytes(preamble, cause.reply ?? new Uint8Array()), linger)
    throw new Ts2021Error('handshake', 'Refused client: Noise handshake failed', { cause })
  }
  socket.write(concatBytes(preamble, result.response))
  return {
    link: new NoiseLink({ socket, head, session: result.session, initial }),
    machineKey: result.clientKey,
    version: result.version,
    handshakeHash: result.session.handshakeHash,
  }
}

function readInitiation(request: IncomingMessage, socket: Duplex, linger: number): Uint8Array {
  const upgrade = request.headers.upgrade?.toLowerCase() ?? ''
  if (request.method !== 'POST') return refuse(socket, linger, 405, 'expected POST')
  if (upgrade === '') return refuse(socket, linger, 400, 'missing next protocol')
  if (upgrade !== UPGRADE_PROTOCOL) return refuse(socket, linger, 400, 'unknown next protocol')
  const header = request.headers[HANDSHAKE_HEADER.toLowerCase()]
  if (typeof header !== 'string' || header === '') {
    return refuse(socket, linger, 400, 'missing handshake header')
  }
  try {
    return fromBase64(header)
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
    return refuse(socket, linger, 400, 'invalid handshake header')
  }
}

/**
 * Sends the last bytes of a connection. The client gets a moment to read them; destroying the socket
 * at once could lose them, and a client that never closes must not keep it.
 */
function sayLast(socket: Duplex, bytes: Uint8Array, linger: number): void {
  const deadline = setTimeout(() => socket.destroy(), linger)
  deadline.unref()
  socket.once('close', () => clearTimeout(deadline))
  socket.end(bytes)
  socket.resume()
}

function refuse(socket: Duplex, linger: number, status: number, text: string): never {
  const reason = status === 405 ? 'Method Not Allowed' : 'Bad Request'
  sayLast(
    socket,
    encodeUtf8(
      `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
    ),
    linger,
  )
  throw new Ts2021Error('bad-upgrade', `Refused upgrade: ${text}`)
}
