// SPDX-License-Identifier: Apache-2.0

/**
 * Datagrams over UDP sockets of the operating system: one for IPv4 and one for IPv6 on the same
 * port, or a single one when bound to one address.
 *
 * The system takes datagrams one by one, so the only batching there is to do is to stop: when its
 * buffer is full, datagrams queue up in the process, and beyond a bound they are dropped, as a
 * network drops them.
 *
 * @module
 */

import { createSocket, type Socket, type SocketOptions } from 'node:dgram'
import { once } from 'node:events'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { NodeError, reasonOf } from '../errors.ts'
import type { Datagrams } from './datagrams.ts'
import { type Endpoint, formatEndpoint, parseEndpoint } from './endpoint.ts'

/** What is asked of the system for received datagrams; it gives what it allows. */
const RECEIVE_BUFFER = 4 * 1024 * 1024

/** Queued bytes from which a sender that can wait should. */
const CONGESTED_BYTES = 256 * 1024

/** Queued bytes from which datagrams are dropped. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024

/** Endpoints whose text was taken apart already; a flood of senders only empties it. */
const MAX_KNOWN_ENDPOINTS = 4096

/** Endpoints worth telling others: as many as they will try. */
const MAX_LOCAL_ENDPOINTS = 8

/** Where to listen. */
export interface UdpOptions {
  /** An address, or every address of both families when left out; `none` for no sockets at all. */
  readonly bind?: string
  /** 0, the default, lets the system choose. */
  readonly port?: number
}

/** What went through the sockets. */
export interface UdpCounters {
  readonly rxDatagrams: number
  readonly txDatagrams: number
  readonly dropped: number
}

/** UDP sockets in use. */
export interface Udp extends Datagrams, AsyncDisposable {
  readonly port: number
  isCongested(): boolean
  counters(): UdpCounters
  close(): Promise<void>
}

/**
 * Opens the sockets.
 *
 * @throws NodeError `bad-argument` when `bind` is no address or the port is taken or forbidden.
 */
export async function openUdp(options: UdpOptions = {}): Promise<Udp> {
  const { bind, port: wantedPort = 0 } = options
  const sockets = bind === 'none' ? { v4: null, v6: null } : await bindSockets(bind, wantedPort)
  const port = (sockets.v4 ?? sockets.v6)?.address().port ?? 0
  const known = new Map<string, Endpoint | null>()
  const counters = { rxDatagrams: 0, txDatagrams: 0, dropped: 0 }
  let handler: (datagram: Uint8Array, endpoint: string) => void = () => {}

  function endpointOf(text: string): Endpoint | null {
    let endpoint = known.get(text)
    if (endpoint === undefined) {
      endpoint = parseEndpoint(text)
      if (known.size >= MAX_KNOWN_ENDPOINTS) known.clear()
      known.set(text, endpoint)
    }
    return endpoint
  }

  const open = [sockets.v4, sockets.v6].filter((socket) => socket !== null)
  for (const socket of open) {
    socket.on('message', (datagram, { address, port: from }) => {
      counters.rxDatagrams += 1
      handler(datagram, formatEndpoint(address, from))
    })
    // What a send could not do is a lost datagram; the handshake tries again.
    socket.on('error', () => void (counters.dropped += 1))
    try {
      socket.setRecvBufferSize(RECEIVE_BUFFER)
    } catch {
      // The system's own size is smaller, and good enough.
    }
  }

  const close = async (): Promise<void> => {
    handler = () => {}
    await Promise.all(open.splice(0).map((socket) => closeSocket(socket)))
  }

  return {
    port,
    send(datagram, text) {
      const endpoint = endpointOf(text)
      const socket = endpoint?.family === 4 ? sockets.v4 : sockets.v6
      if (endpoint === null || socket === null || !open.includes(socket)) counters.dropped += 1
      else if (socket.getSendQueueSize() > MAX_QUEUED_BYTES) counters.dropped += 1
      else {
        counters.txDatagrams += 1
        socket.send(datagram, endpoint.port, endpoint.address)
      }
    },
    onDatagram(next) {
      handler = next
    },
    localEndpoints: () => localEndpoints(bind, sockets),
    isCongested: () => open.some((socket) => socket.getSendQueueSize() > CONGESTED_BYTES),
    counters: () => ({ ...counters }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface Sockets {
  readonly v4: Socket | null
  readonly v6: Socket | null
}

async function bindSockets(bind: string | undefined, port: number): Promise<Sockets> {
  const family = bind === undefined ? 0 : isIP(bind)
  if (bind !== undefined && family === 0) {
    throw new NodeError('bad-argument', `Cannot listen: ${JSON.stringify(bind)} is no IP address`)
  }
  if (family === 4) return { v4: await bindSocket('udp4', bind, port), v6: null }
  if (family === 6) return { v4: null, v6: await bindSocket('udp6', bind, port) }
  const v4 = await bindSocket('udp4', undefined, port)
  try {
    // Not having IPv6, or that port on it, is no reason not to run.
    return { v4, v6: await bindSocket('udp6', undefined, v4.address().port) }
  } catch (error) {
    if (error instanceof NodeError) return { v4, v6: null }
    throw error
  }
}

async function bindSocket(
  type: 'udp4' | 'udp6',
  address: string | undefined,
  port: number,
): Promise<Socket> {
  const options: SocketOptions = { type, ipv6Only: type === 'udp6', lookup: useAsIs }
  const socket = createSocket(options)
  try {
    // With nothing to look up, `listening` comes before bind() returns.
    const listening = once(socket, 'listening')
    socket.bind({ port, ...(address === undefined ? {} : { address }) })
    await listening
    return socket
  } catch (cause) {
    socket.close()
    const where = formatEndpoint(address ?? (type === 'udp4' ? '0.0.0.0' : '::'), port)
    throw new NodeError('bad-argument', `Cannot listen on UDP ${where}: ${reasonOf(cause)}`, {
      cause,
    })
  }
}

/** Every address here is one already: nothing to look up, and no turn of the event loop to wait. */
const useAsIs: NonNullable<SocketOptions['lookup']> = (hostname, _options, callback) => {
  callback(null, hostname, isIP(hostname))
}

/**
 * Where others may reach these sockets: the address they are bound to, or every address of this
 * machine, those that only it can reach last.
 */
function localEndpoints(bind: string | undefined, { v4, v6 }: Sockets): string[] {
  const specific = bind !== undefined && bind !== '0.0.0.0' && bind !== '::'
  const socket = v4 ?? v6
  if (specific && socket !== null) return [formatEndpoint(bind, socket.address().port)]

  const outside: string[] = []
  const inside: string[] = []
  for (const { address, family, internal } of Object.values(networkInterfaces()).flatMap(
    (list) => list ?? [],
  )) {
    const socketOfFamily = family === 'IPv4' ? v4 : v6
    // A link-local address says nothing to somebody on another link.
    if (socketOfFamily === null || address.startsWith('fe80:')) continue
    const list = internal ? inside : outside
    list.push(formatEndpoint(address, socketOfFamily.address().port))
  }
  return [...outside.slice(0, MAX_LOCAL_ENDPOINTS - 1), ...inside.slice(0, 1)]
}

async function closeSocket(socket: Socket): Promise<void> {
  const closed = once(socket, 'close')
  socket.close()
  await closed
}
